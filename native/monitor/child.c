#include "monitor/child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "lib/capability.h"
#include "lib/deadline.h"
#include "lib/fault.h"
#include "lib/fd.h"
#include "lib/steps.h"
#include "lib/stream.h"
#include "lib/syscalls.h"
#include "monitor/rootfs.h"

/* wshd finds its channel and its filter at the first two (wsh/wshd.h); the third closes at exec. */
enum { WSHD_CHANNEL = 3, WSHD_FILTER = 4, PROGRAM = 5 };

static int receive(char expected, int *ret_fds, size_t limit, size_t *ret_count, struct error *err)
{
	char packet;
	size_t size;

	/* Blocking: the monitor watches the deadline, and its death is ours. */
	if (packet_receive(WSHD_CHANNEL, &packet, 1, &size, ret_fds, limit, ret_count, err) < 0)
		return -1;
	if (size == 0)
		return error_set(err, EPIPE, "the monitor is gone");
	return packet == expected ? 0 : error_set(err, EPROTO, "unexpected packet from the monitor");
}

static int become_root(struct error *err)
{
	if (syscall(SYS_setgroups, 0, NULL) < 0 || syscall(SYS_setresgid, 0, 0, 0) < 0 || syscall(SYS_setresuid, 0, 0, 0) < 0)
		return error_set(err, errno, "root of the user namespace");
	/* After the change of ids, which clears it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return error_set(err, errno, "PR_SET_PDEATHSIG");
	return 0;
}

static int pivot(int root, struct error *err)
{
	if (fchdir(root) < 0)
		return error_set(err, errno, "fchdir");
	if (sys_pivot_root(".", ".") < 0)
		return error_set(err, errno, "pivot_root");
	/* The old root lies on top of the new one now. */
	if (umount2(".", MNT_DETACH) < 0)
		return error_set(err, errno, "umount");
	return chdir("/") < 0 ? error_set(err, errno, "chdir") : 0;
}

static int open_standard_streams(struct error *err)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	if (null < 0)
		return error_set(err, errno, "/dev/null");
	for (int fd = 0; fd <= 2; fd++)
		if (dup2(null, fd) < 0)
			return error_set(err, errno, "dup2");
	return 0;
}

/* For every handle: 256 bytes, and what stands before it. */
#define TITLE_ROOM 288

static int execute(const struct child *child, struct error *err)
{
	char title[512], room[TITLE_ROOM];
	char *arguments[] = { title, NULL }, *environment[] = { room, NULL };

	snprintf(title, sizeof(title), "wshd: %s", child->description->handle);
	/* A variable of no use to anybody, behind the title: into its place goes what is longer (wsh/naming.c). */
	memset(room, '-', sizeof(room) - 1);
	memcpy(room, "_=", 2);
	room[sizeof(room) - 1] = '\0';
	if (open_standard_streams(err) < 0)
		return -1;
	/* First above all numbers given out below, so that none is overwritten before its turn. */
	int filter = fcntl(child->filter, F_DUPFD_CLOEXEC, 16), program = fcntl(child->wshd, F_DUPFD_CLOEXEC, 16);

	if (filter < 0 || program < 0 || dup2(filter, WSHD_FILTER) < 0 || dup3(program, PROGRAM, O_CLOEXEC) < 0)
		return error_set(err, errno, "descriptors");
	if (close_fds(PROGRAM + 1, ~0u) < 0)
		return error_set(err, errno, "close_range");
	syscall(SYS_execveat, PROGRAM, "", arguments, environment, AT_EMPTY_PATH);
	return error_set(err, errno, "execveat");
}

static int join_cgroups(const struct description *description, struct error *err)
{
	int tasks[DESCRIPTION_MAX_CGROUPS];
	size_t count;

	if (receive(CHILD_CGROUPS, tasks, DESCRIPTION_MAX_CGROUPS, &count, err) < 0)
		return -1;
	int result = cgroups_join(description, tasks, count, err);

	while (count > 0)
		close_fd(tasks[--count]);
	return result;
}

/* A hook may put us into another group, which is not to be undone by our coming later. */
static int report_joined(const struct child *child, struct error *err)
{
	return child->description->hooks.count == 0 ? 0 : packet_send(WSHD_CHANNEL, &(char){ CHILD_JOINED }, 1, NULL, 0, child->deadline, err);
}

static int set_up(const struct child *child, struct error *err)
{
	const struct description *description = child->description;
	int fds[1 + DESCRIPTION_MAX_MOUNTS];
	struct rootfs rootfs = { .root = -1, .dev = -1, .proc = -1, .sys = -1 };
	size_t count;

	if (step_begin(STEP_SET_HOSTNAME, err) < 0)
		return -1;
	if (sethostname(description->hostname, strlen(description->hostname)) < 0)
		return error_set(err, errno, "%s", description->hostname);
	if (setsid() < 0 && errno != EPERM)
		return error_set(err, errno, "setsid");
	umask(022);

	if (step_begin(STEP_JOIN_CGROUPS, err) < 0 || join_cgroups(description, err) < 0)
		return -1;
	if (unshare(CLONE_NEWCGROUP) < 0)
		return error_set(err, errno, "cgroup namespace");
	if (report_joined(child, err) < 0)
		return -1;
	if (step_begin(STEP_BECOME_ROOT, err) < 0 || receive(CHILD_IDS_MAPPED, &rootfs.dev, 1, &count, err) < 0 || become_root(err) < 0)
		return -1;
	if (count != 1)
		return error_set(err, EPROTO, "%zu descriptors", count);
	if (rootfs_prepare(&rootfs, description, err) < 0)
		return -1;
	if (step_begin(STEP_RECEIVE_MOUNTS, err) < 0 || receive(CHILD_MOUNTS, fds, 1 + DESCRIPTION_MAX_MOUNTS, &count, err) < 0)
		return -1;
	if (count != 1 + description->volume_count)
		return error_set(err, EPROTO, "%zu descriptors", count);
	rootfs.root = fds[0];
	if (rootfs_assemble(&rootfs, fds + 1, description, err) < 0)
		return -1;

	if (hooks_run_before_pivot(&description->hooks, child->hook_sources, child->deadline, err) < 0)
		return -1;
	if (step_begin(STEP_PIVOT_ROOT, err) < 0 || pivot(rootfs.root, err) < 0)
		return -1;
	if (hooks_run(&description->hooks, child->hook_sources, HOOK_CHILD_AFTER_PIVOT, 0, child->deadline, err) < 0)
		return -1;
	if (step_begin(STEP_DROP_CAPABILITIES, err) < 0)
		return -1;
	if (capability_drop_bounding(~(WSHD_CAPABILITIES | description->privileged_capabilities), err) < 0)
		return -1;
	if (step_begin(STEP_EXECUTE_WSHD, err) < 0)
		return -1;
	return execute(child, err);
}

_Noreturn void child_run(const struct child *child)
{
	struct wire_buffer *packet = child->report;
	struct error err = { 0 }, ignored;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* With our copy of its end gone, the monitor's death ends every receive below, also one that came before the line above: getppid() could
	 * not tell, it is always 0 across PID namespaces. */
	close_fd(child->other_end);
	/* In place of the monitor's connection to the launcher. */
	if (dup2(child->pair, WSHD_CHANNEL) < 0)
		_exit(1);
	set_up(child, &err);
	wire_begin_error(packet, &err);
	if (wire_end(packet, &ignored) == 0)
		packet_send(WSHD_CHANNEL, packet->data + 4, packet->size - 4, NULL, 0, deadline_in_ms(1000), &ignored);
	_exit(1);
}
