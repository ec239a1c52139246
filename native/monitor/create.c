#include "monitor/create.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "lib/deadline.h"
#include "lib/fault.h"
#include "lib/fd.h"
#include "lib/steps.h"
#include "lib/stream.h"
#include "lib/syscalls.h"
#include "lib/undo.h"
#include "monitor/child.h"
#include "monitor/groundwork.h"
#include "monitor/handshake.h"
#include "monitor/hooks.h"
#include "monitor/listening.h"
#include "monitor/mounts.h"
#include "monitor/volumes.h"

#define DESCRIPTION_DEADLINE_MS 10000
#define UNDO_DEADLINE_MS 4000   /* the launcher kills a monitor that takes 5 s */
#define REPORT_SIZE 1024        /* for a step and a detail */
#define FIXED_FDS 5
#define MAX_FDS (FIXED_FDS + 4 + HOOK_MAX_COUNT + DESCRIPTION_MAX_LOWERS + DESCRIPTION_MAX_MOUNTS + DESCRIPTION_MAX_CGROUPS)

struct create {
	int launcher;
	char *title;                        /* in our command line: the container's id is put there */
	int64_t deadline;
	struct stream_input input;          /* holds the description's bytes */
	struct description description;
	int program;                        /* descriptors in the order of docs/native.md */
	int filter;
	int dev;
	int lowers[DESCRIPTION_MAX_LOWERS];
	int volumes[DESCRIPTION_MAX_MOUNTS];
	int parents[DESCRIPTION_MAX_CGROUPS];
	struct hook_sources hook_sources;
	int child_pair;
	int user_namespace;
	struct container *container;
	struct groundwork groundwork;
};

static void take_fds(struct stream_input *input, int *ret_fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		ret_fds[i] = stream_take_fd(input);
}

static void close_all(int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		fds[i] = close_fd(fds[i]);
}

/* Everything that only the create needs. */
static void release(struct create *create)
{
	close_all(create->lowers, create->description.lower_count);
	close_all(create->volumes, create->description.volume_count);
	close_all(create->parents, create->description.cgroup_count);
	hook_sources_close(&create->hook_sources);
	create->program = close_fd(create->program);
	create->filter = close_fd(create->filter);
	create->dev = close_fd(create->dev);
	create->child_pair = close_fd(create->child_pair);
	create->user_namespace = close_fd(create->user_namespace);
	description_free(&create->description);
	stream_input_free(&create->input);
}

/* Started in advance we wait as long as the launcher lives. */
static void await_order(const struct create *create)
{
	struct pollfd poller = { .fd = create->launcher, .events = POLLIN };

	while (poll(&poller, 1, -1) < 0 && errno == EINTR)
		;
}

/* As far as there is room. */
static void show_id(const struct create *create)
{
	size_t room = strlen(create->title), length = strlen(create->description.id);

	memset(create->title, 0, room);
	memcpy(create->title, create->description.id, length < room ? length : room);
}

static int run_hooks(const struct create *create, uint32_t point, struct error *err)
{
	return hooks_run(&create->description.hooks, &create->hook_sources, point, point == HOOK_PARENT_AFTER_CLONE ? create->container->pid : 0, create->deadline, err);
}

static int read_description(struct create *create, struct error *err)
{
	struct description *description = &create->description;
	struct frame frame;

	await_order(create);
	err->step = STEP_READ_DESCRIPTION;
	int result = stream_read_frame(&create->input, create->launcher, deadline_in_ms(DESCRIPTION_DEADLINE_MS), &frame, err);

	if (result <= 0)
		return result < 0 ? -1 : error_set(err, EPIPE, "the launcher went away");
	if (frame.type != WIRE_CREATE)
		return error_set(err, EBADMSG, "message %u", frame.type);
	if (description_read(frame.body, frame.size, description, err) < 0)
		return -1;
	create->deadline = deadline_in_ms(description->deadline_ms);
	show_id(create);
#ifdef WARDEN_FAULTS
	if (description->fault_step != NULL)
		fault_set(description->fault_step, (int)description->fault_number);
#endif
	size_t expected = FIXED_FDS + description->has_disk + description->lower_count + description->volume_count + description->cgroup_count +
		hook_sources_count(&description->hooks);

	/* The directory of syslog's socket comes last, when there is one. */
	bool has_syslog = description->syslog_name != NULL && create->input.fd_count == expected + 1;

	if (create->input.fd_count != expected + has_syslog)
		return error_set(err, EBADMSG, "%zu descriptors, %zu expected", create->input.fd_count, expected);
	take_fds(&create->input, &create->program, 1);
	take_fds(&create->input, &create->filter, 1);
	take_fds(&create->input, &create->container->files, 1);
	take_fds(&create->input, &create->dev, 1);
	take_fds(&create->input, &create->container->directories.container, 1);
	if (description->has_disk)
		take_fds(&create->input, &create->container->directories.disk, 1);
	take_fds(&create->input, create->lowers, description->lower_count);
	take_fds(&create->input, create->volumes, description->volume_count);
	take_fds(&create->input, create->parents, description->cgroup_count);
	hook_sources_take(&create->hook_sources, &description->hooks, &create->input);
	if (has_syslog) {
		take_fds(&create->input, &create->container->syslog_directory, 1);
		create->container->syslog_name = description->syslog_name;
		description->syslog_name = NULL;
	}
	return step_begin(STEP_READ_DESCRIPTION, err);
}

static int clone_child(struct create *create, struct error *err)
{
	struct container *container = create->container;
	int pair[2], v2 = cgroups_v2_directory(&container->cgroups);
	static struct wire_buffer report;

	if (wire_reserve(&report, REPORT_SIZE, err) < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return error_set(err, errno, "socketpair");
	container->wshd = pair[0];
	create->child_pair = pair[1];
	struct child child = {
		.description = &create->description,
		.pair = create->child_pair,
		.other_end = container->wshd,
		.filter = create->filter,
		.wshd = create->program,
		.hook_sources = &create->hook_sources,
		.deadline = create->deadline,
		.report = &report,
	};
	struct warden_clone_args arguments = {
		.flags = (create->description.nested ? 0 : CLONE_NEWUSER) | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_PIDFD | (v2 >= 0 ? CLONE_INTO_CGROUP : 0),
		.pidfd = (uint64_t)(uintptr_t)&container->pidfd,
		.exit_signal = SIGCHLD,
		.cgroup = v2 >= 0 ? (uint64_t)v2 : 0,
	};

	container->pid = sys_clone3(&arguments);
	if (container->pid < 0)
		return error_set(err, errno, "clone3");
	if (container->pid == 0)
		child_run(&child);
	wire_buffer_free(&report);
	create->child_pair = close_fd(create->child_pair);
	return 0;
}

static void undo_child(void *argument)
{
	struct container *container = argument;
	struct pollfd poller = { .fd = container->pidfd, .events = POLLIN };
	siginfo_t info;

	sys_pidfd_send_signal(container->pidfd, SIGKILL);
	if (poll(&poller, 1, UNDO_DEADLINE_MS) > 0)
		waitid(P_PIDFD, (id_t)container->pidfd, &info, WEXITED);
	container->pidfd = close_fd(container->pidfd);
}

static void undo_wshd_pair(void *argument)
{
	struct container *container = argument;

	container->wshd = close_fd(container->wshd);
}

static void undo_listener(void *argument)
{
	struct container *container = argument;

	container->listener = close_fd(container->listener);
}

static void undo_directories(void *argument)
{
	directories_remove(argument);
}

static void undo_cgroups(void *argument)
{
	struct error ignored;

	cgroups_remove_until(argument, deadline_in_ms(UNDO_DEADLINE_MS), &ignored);
}

static int open_user_namespace(pid_t pid, int *ret_fd, struct error *err)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	*ret_fd = open(path, O_RDONLY | O_CLOEXEC);
	return *ret_fd < 0 ? error_set(err, errno, "%s", path) : 0;
}

/* While the child assembles its mounts. */
static int watch_memory(struct container *container, struct error *err)
{
	return step_begin(STEP_WATCH_MEMORY, err) < 0 ? -1 : cgroups_watch_memory(&container->cgroups, &container->oom, err);
}

static void undo_watch(void *argument)
{
	struct container *container = argument;

	oom_watch_close(&container->oom);
}

static void undo_groundwork(void *argument)
{
	struct error ignored;

	groundwork_finish(argument, &ignored);
}

/* Layers, overlay, volumes. */
static int make_mounts(struct create *create, struct error *err)
{
	const struct description *description = &create->description;
	_cleanup_close_ int overlay = -1;

	if (groundwork_finish(&create->groundwork, err) < 0)
		return -1;
	if (step_begin(STEP_MAP_LAYERS, err) < 0 || mounts_map_layers(create->lowers, description->lower_count, create->user_namespace, err) < 0)
		return -1;
	if (step_begin(STEP_MOUNT_OVERLAY, err) < 0 ||
	    mounts_make_overlay(directories_of_layers(&create->container->directories), description->lower_count, description->nested ? 0 : MOUNT_ATTR_NODEV, &overlay, err) < 0)
		return -1;
	if (step_begin(STEP_MAP_MOUNTS, err) < 0 || volumes_prepare(create->volumes, description, create->user_namespace, err) < 0)
		return -1;
	if (step_begin(STEP_SEND_MOUNTS, err) < 0)
		return -1;
	return handshake_send_mounts(create->container->wshd, overlay, create->volumes, description->volume_count, create->deadline, err);
}

static int map_devices(const struct create *create, struct error *err)
{
	struct error unmapped;

	if (mounts_make_private(create->dev, err) < 0)
		return -1;
	/* tmpfs maps ids since Linux 6.3; before, the nodes of /dev show nobody as their owner, and work. */
	if (mounts_map(create->dev, create->user_namespace, 0, 0, &unmapped) < 0 && unmapped.number != EINVAL)
		return error_set(err, unmapped.number, "/dev: %.100s", unmapped.detail);
	return 0;
}

static int let_child_join(struct create *create, struct error *err)
{
	struct container *container = create->container;
	int tasks[DESCRIPTION_MAX_CGROUPS];

	if (groundwork_await_cgroups(&create->groundwork, err) < 0)
		return -1;
	err->step = STEP_JOIN_CGROUPS;
	int result = handshake_send_cgroups(container->wshd, tasks, cgroups_list_tasks(&container->cgroups, tasks), create->deadline, err);

	cgroups_close_tasks(&container->cgroups);
	return result;
}

static int start_child(struct create *create, struct error *err)
{
	struct container *container = create->container;
	bool nested = create->description.nested, has_hooks = create->description.hooks.count > 0;

	/* A hook that puts it into a group of its own finds it in ours, and leaves it there. */
	if (has_hooks && (let_child_join(create, err) < 0 || handshake_await_joined(container->wshd, create->deadline, err) < 0))
		return -1;
	if (step_begin(STEP_MAP_IDS, err) < 0 || (!nested && id_map_apply(&create->description.map, container->pid, err) < 0))
		return -1;
	/* First the launcher, whose link takes longest. */
	if (run_hooks(create, HOOK_PARENT_AFTER_CLONE, err) < 0)
		return -1;
	if (step_begin(STEP_REPORT_CLONE, err) < 0 || handshake_report_clone(create->launcher, container->pid, create->deadline, err) < 0)
		return -1;
	if (step_begin(STEP_MAP_DEVICES, err) < 0 || (!nested && open_user_namespace(container->pid, &create->user_namespace, err) < 0) || map_devices(create, err) < 0)
		return -1;
	if (!has_hooks && let_child_join(create, err) < 0)
		return -1;
	err->step = STEP_MAP_DEVICES;
	return handshake_send_ids_mapped(container->wshd, create->dev, create->deadline, err);
}

static int make_container(struct create *create, struct undo *undo, struct error *err)
{
	struct container *container = create->container;
	struct handshake handshake = {
		.launcher = create->launcher, .wshd = -1, .pidfd = -1, .input = &create->input, .deadline = create->deadline,
	};

	if (mounts_unshare(err) < 0)
		return -1;
	undo_push(undo, undo_cgroups, &container->cgroups);
	/* Taken away only when the child is dead: it might still write to the upper layer. */
	undo_push(undo, undo_directories, &container->directories);
	undo_push(undo, undo_groundwork, &create->groundwork);
	err->step = STEP_MAKE_CGROUPS;
	if (cgroups_begin(&container->cgroups, &create->description, create->parents, err) < 0 || step_begin(STEP_START_LAYERS, err) < 0 || groundwork_start(&create->groundwork, &container->cgroups, &container->directories, &create->description, create->lowers, err) < 0)
		return -1;
	/* Hooks find the groups. */
	if (create->description.hooks.count > 0 && groundwork_await_cgroups(&create->groundwork, err) < 0)
		return -1;
	undo_push(undo, undo_watch, container);
	undo_push(undo, undo_listener, container);
	undo_push(undo, undo_wshd_pair, container);
	if (run_hooks(create, HOOK_PARENT_BEFORE_CLONE, err) < 0 || hooks_prepare_root(&create->hook_sources, err) < 0)
		return -1;
	if (step_begin(STEP_CLONE, err) < 0 || clone_child(create, err) < 0)
		return -1;
	undo_push(undo, undo_child, container);
	handshake.wshd = container->wshd;
	handshake.pidfd = container->pidfd;
	if (start_child(create, err) < 0 || make_mounts(create, err) < 0 ||
	    handshake_configure(container->wshd, &create->description, create->deadline, err) < 0 || listening_begin(container, err) < 0 ||
	    watch_memory(container, err) < 0) {
		/* When the child failed first, its reason is the better one. */
		handshake_child_error(&handshake, err);
		return -1;
	}
	if (step_begin(STEP_WAIT_READY, err) < 0 || handshake_wait_ready(&handshake, err) < 0)
		return -1;
	if (step_begin(STEP_WAIT_NETWORK, err) < 0)
		return -1;
	return handshake_wait_network(&handshake, err);
}

int create_run(int launcher, char *title, struct container *ret_container, struct error *err)
{
	static struct create create;   /* not on the stack: the child's copy of that should be small */
	struct undo undo = { 0 };

	*ret_container = (struct container){ .directories = { .container = -1, .disk = -1, .upper = -1, .run = -1, .jobs = -1 }, .oom = OOM_WATCH_NONE, .listener = -1, .wshd = -1, .pidfd = -1, .files = -1, .syslog_directory = -1 };
	create = (struct create){ .launcher = launcher, .title = title, .program = -1, .filter = -1, .dev = -1, .child_pair = -1, .user_namespace = -1, .hook_sources = HOOK_SOURCES_NONE, .container = ret_container };
	create.input = (struct stream_input){ .fd_limit = MAX_FDS };
	int result = read_description(&create, err);

	if (result == 0)
		result = make_container(&create, &undo, err);
	if (result < 0) {
		undo_run(&undo);
	} else {
		undo_drop(&undo);
		ret_container->users = create.description.users;
		ret_container->user_count = create.description.user_count;
		ret_container->nested = create.description.nested;
		usage_init(&ret_container->usage, &create.description);
		create.description.users = NULL;
		create.description.user_count = 0;
		ret_container->directories.container = close_fd(ret_container->directories.container);
		ret_container->directories.disk = close_fd(ret_container->directories.disk);
		ret_container->directories.upper = close_fd(ret_container->directories.upper);
	}
	release(&create);
	return result;
}
