/* One container from the outside: create until it can run jobs, run a job, destroy. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "floor/floor.h"
#include "lib/fd.h"
#include "lib/syscalls.h"

const char *const create_step_names[STEP_COUNT] = { "files", "cgroups", "clone", "maps", "mounts", "link", "addresses", "firewall", "ready" };

uint32_t floor_root_id(unsigned int index)
{
	return 0xb0000000u + (index % 0x4000u) * 0x10000u;
}

/* What the product puts into the upper layer, for a floor that does it too. */
static int write_upper(int upper, uint32_t root, struct error *err)
{
	static const char *const directories[] = { "etc", "home", "home/vcap" };
	static const char *const files[] = { "etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/passwd", "etc/group" };
	static const char text[] = "root:x:0:0:root:/root:/bin/bash\nvcap:x:10000:10000::/home/vcap:/bin/bash\n";

	for (size_t i = 0; i < 3; i++)
		if (mkdirat(upper, directories[i], 0755) < 0 || fchownat(upper, directories[i], i == 2 ? FLOOR_JOB_UID : root, i == 2 ? FLOOR_JOB_UID : root, 0) < 0)
			return error_set(err, errno, "%s", directories[i]);
	for (size_t i = 0; i < 5; i++) {
		_cleanup_close_ int file = openat(upper, files[i], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

		if (file < 0 || write(file, text, sizeof(text) - 1) < 0 || fchown(file, root, root) < 0)
			return error_set(err, errno, "%s", files[i]);
	}
	return 0;
}

static int make_directory(const struct floor *floor, struct container *container, struct error *err)
{
	static const char *const names[] = { "", "/upper", "/work" };
	uint32_t root = floor_root_id(container->index);
	char path[64];

	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%u%s", container->index, names[i]);
		if (mkdirat(floor->depot_fd, path, 0755) < 0)
			return error_set(err, errno, "directory %s", path);
		container->has_directory = true;
		if (i > 0 && fchownat(floor->depot_fd, path, root, root, 0) < 0)
			return error_set(err, errno, "directory %s", path);
	}
	if (!floor->extended)
		return 0;
	snprintf(path, sizeof(path), "%u/upper", container->index);
	_cleanup_close_ int upper = openat(floor->depot_fd, path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);

	return upper < 0 ? error_set(err, errno, "directory %s", path) : write_upper(upper, root, err);
}

static int start_child(const struct floor *floor, struct container *container, const int *cgroup_fds, struct error *err)
{
	struct timeval patience = { .tv_sec = FLOOR_WAIT_MS / 1000 };
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_set(err, errno, "control socket");
	_cleanup_close_ int inside_end = ends[1];

	container->control_fd = ends[0];
	if (setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 || setsockopt(ends[1], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
		return error_set(err, errno, "control socket");
	struct warden_clone_args arguments = {
		.flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWUSER | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&container->pidfd,
		.exit_signal = SIGCHLD,
	};

	container->pid = sys_clone3(&arguments);
	if (container->pid < 0)
		return error_set(err, errno, "clone");
	if (container->pid == 0) {
		close(ends[0]);
		inside_main(&(struct inside){ .floor = floor, .index = container->index, .control_fd = ends[1], .cgroup_fds = cgroup_fds });
	}
	return 0;
}

static int write_map(const struct container *container, const char *name, struct error *err)
{
	char path[64], text[256];
	uint32_t root = floor_root_id(container->index), user = FLOOR_JOB_UID;
	int length = snprintf(text, sizeof(text), "0 %u 1\n1 %u %u\n%u %u 1\n%u %u %u\n", root, root + 1, user - 1, user, user, user + 1, root + user + 1, 65535 - user);

	snprintf(path, sizeof(path), "/proc/%d/%s", container->pid, name);
	_cleanup_close_ int file = open(path, O_WRONLY | O_CLOEXEC);

	return file < 0 || write(file, text, (size_t)length) < 0 ? error_set(err, errno, "%s", path) : 0;
}

static int open_namespace(const struct container *container, const char *name, struct error *err)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", container->pid, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 ? fd : error_set(err, errno, "%s", path);
}

static int send_mounts(const struct floor *floor, const struct container *container, struct error *err)
{
	int mounts[2 + FLOOR_MAX_BINDS];
	size_t count = 0;
	struct control_packet go = { .kind = CONTROL_GO };
	int result = 0;
	_cleanup_close_ int user = open_namespace(container, "user", err);

	if (user < 0)
		return -1;
	while (result == 0 && count < 2 + floor->bind_count) {
		if (count == 0)
			mounts[count] = mounts_overlay(floor, container->index, user, err);
		else if (count == 1)
			mounts[count] = mounts_idmapped("", floor->dev_fd, 0, user, err);
		else
			mounts[count] = mounts_idmapped(floor->binds[count - 2].source, AT_FDCWD, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV, user, err);
		if (mounts[count] < 0)
			result = -1;
		else
			count++;
	}
	if (result == 0)
		result = control_send(container->control_fd, &go, mounts, count, err);
	while (count > 0)
		close_fd(mounts[--count]);
	return result;
}

static void mark(struct container *container, enum create_step step, double *last)
{
	double now = now_us();

	container->steps[step] = now - *last;
	*last = now;
}

static int make_network(struct floor *floor, struct container *container, double *last, struct error *err)
{
	_cleanup_close_ int network = open_namespace(container, "net", err);

	if (network < 0 || network_create_link(floor, container, network, err) < 0)
		return -1;
	mark(container, STEP_LINK, last);
	if (network_configure(floor, container, network, err) < 0)
		return -1;
	mark(container, STEP_ADDRESSES, last);
	if (firewall_change(floor, container->index, true, err) < 0)
		return -1;
	container->has_elements = true;
	mark(container, STEP_FIREWALL, last);
	return 0;
}

static int create(struct floor *floor, struct container *container, int *cgroup_fds, struct error *err)
{
	struct control_packet ready;
	double last = now_us();

	if (make_directory(floor, container, err) < 0)
		return -1;
	mark(container, STEP_FILES, &last);
	container->has_cgroups = true;
	if (cgroup_create(floor, container->index, cgroup_fds, err) < 0)
		return -1;
	mark(container, STEP_CGROUPS, &last);
	if (start_child(floor, container, cgroup_fds, err) < 0)
		return -1;
	mark(container, STEP_CLONE, &last);
	if (write_map(container, "uid_map", err) < 0 || write_map(container, "gid_map", err) < 0)
		return -1;
	mark(container, STEP_MAPS, &last);
	if (send_mounts(floor, container, err) < 0)
		return -1;
	mark(container, STEP_MOUNTS, &last);
	if (make_network(floor, container, &last, err) < 0)
		return -1;
	if (control_receive(container->control_fd, &ready, NULL, 0, NULL, err) < 0)
		return -1;
	mark(container, STEP_READY, &last);
	return 0;
}

int container_create(struct floor *floor, struct container *container, struct error *err)
{
	int cgroup_fds[FLOOR_MAX_CGROUPS];

	for (size_t i = 0; i < FLOOR_MAX_CGROUPS; i++)
		cgroup_fds[i] = -1;
	*container = (struct container){ .index = floor->first_index + floor->used_indexes++ % floor->index_count, .pid = -1, .pidfd = -1, .control_fd = -1 };
	int result = create(floor, container, cgroup_fds, err);

	for (size_t i = 0; i < floor->cgroup_count; i++)
		close_fd(cgroup_fds[i]);
	if (result < 0) {
		struct error ignored = { 0 };

		if (container_destroy(floor, container, &ignored) < 0)
			fprintf(stderr, "floor: undoing container %u: %s: %s\n", container->index, ignored.detail, strerror(ignored.number));
	}
	return result;
}

/* Both pipes to their ends. */
static int drain(int out, int errors, struct error *err)
{
	struct pollfd waits[2] = { { .fd = out, .events = POLLIN }, { .fd = errors, .events = POLLIN } };
	char buffer[65536];

	while (waits[0].fd >= 0 || waits[1].fd >= 0) {
		int ready = poll(waits, 2, FLOOR_WAIT_MS);

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0)
			return error_set(err, ready == 0 ? ETIMEDOUT : errno, "output");
		for (size_t i = 0; i < 2; i++) {
			if (waits[i].revents == 0)
				continue;
			ssize_t got = read(waits[i].fd, buffer, sizeof(buffer));

			if (got < 0)
				return error_set(err, errno, "output");
			if (got == 0)
				waits[i].fd = -1;
		}
	}
	return 0;
}

int container_run(const struct container *container, enum job_kind kind, struct job_result *ret_result, struct error *err)
{
	static const char kinds[] = { [JOB_TRUE] = CONTROL_TRUE, [JOB_BASH] = CONTROL_BASH, [JOB_TIMED_BASH] = CONTROL_TIMED_BASH };
	struct control_packet packet = { .kind = kinds[kind] };
	int pipes[2] = { -1, -1 };

	if (control_send(container->control_fd, &packet, NULL, 0, err) < 0)
		return -1;
	if (kind != JOB_TIMED_BASH) {
		size_t count;

		if (control_receive(container->control_fd, &packet, pipes, 2, &count, err) < 0)
			return -1;
		_cleanup_close_ int out = pipes[0];
		_cleanup_close_ int errors = pipes[1];

		if (count != 2)
			return error_set(err, EBADMSG, "job without pipes");
		if (drain(out, errors, err) < 0)
			return -1;
	}
	if (control_receive(container->control_fd, &packet, NULL, 0, NULL, err) < 0)
		return -1;
	*ret_result = (struct job_result){ .status = packet.status, .exec_us = packet.exec_us };
	return packet.status == 0 ? 0 : error_set(err, ECHILD, "the job ended with wait status %d", packet.status);
}

static int end_processes(struct container *container, struct error *err)
{
	siginfo_t info;

	if (container->pid <= 0)
		return 0;
	if (sys_pidfd_send_signal(container->pidfd, SIGKILL) < 0 && errno != ESRCH)
		return error_set(err, errno, "kill PID 1");
	if (waitid(P_PIDFD, (id_t)container->pidfd, &info, WEXITED) < 0)
		return error_set(err, errno, "wait for PID 1");
	container->pid = -1;
	return 0;
}

static int discard_directory(const struct floor *floor, const struct container *container, struct error *err)
{
	char name[32];

	if (!container->has_directory)
		return 0;
	snprintf(name, sizeof(name), "%u", container->index);
	return renameat(floor->depot_fd, name, floor->trash_fd, name) < 0 ? error_set(err, errno, "move %s to the trash", name) : 0;
}

int container_destroy(struct floor *floor, struct container *container, struct error *err)
{
	int result = end_processes(container, err);

	if (container->has_cgroups && cgroup_remove(floor, container->index, err) < 0)
		result = -1;
	if (container->has_elements && firewall_change(floor, container->index, false, err) < 0)
		result = -1;
	if (discard_directory(floor, container, err) < 0)
		result = -1;
	container->pidfd = close_fd(container->pidfd);
	container->control_fd = close_fd(container->control_fd);
	return result;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path) < 0 && errno != ENOENT;
}

static int remove_tree(const char *path, struct error *err)
{
	return nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT ? error_set(err, errno, "%s", path) : 0;
}

int container_remove_trash(const struct floor *floor, unsigned int index, struct error *err)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/trash/%u", floor->depot, index);
	return remove_tree(path, err);
}

int container_remove_all_trash(const struct floor *floor, struct error *err)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/trash", floor->depot);
	return remove_tree(path, err);
}
