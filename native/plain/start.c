#include "plain/start.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
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
#include "monitor/handshake.h"
#include "monitor/listening.h"
#include "wsh/wshd.h"

/* wardend waits longer. */
enum { START_DEADLINE_MS = 10000, UNDO_DEADLINE_MS = 2000, MOVED_FD = 16 };

static int open_paths(const struct plain_paths *paths, struct container *container, int *ret_wshd, struct error *err)
{
	err->step = "open directories";
	container->directories.container = open(paths->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (container->directories.container < 0)
		return error_set(err, errno, "%.200s", paths->directory);
	container->root = openat(container->directories.container, "rootfs", O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (container->root < 0)
		return error_set(err, errno, "rootfs");
	err->step = "open programs";
	*ret_wshd = open(paths->wshd, O_PATH | O_CLOEXEC);
	if (*ret_wshd < 0)
		return error_set(err, errno, "%.200s", paths->wshd);
	container->files = open(paths->files, O_PATH | O_CLOEXEC);
	return container->files < 0 ? error_set(err, errno, "%.200s", paths->files) : 0;
}

/* Where there is no such directory, lines of jobs go nowhere. */
static int open_syslog(const char *path, struct container *container, struct error *err)
{
	_cleanup_free_ char *directory = strdup(path);
	char *slash = directory == NULL ? NULL : strrchr(directory, '/');

	if (directory == NULL)
		return error_set(err, ENOMEM, "path of syslog");
	if (slash == NULL || strlen(slash + 1) == 0 || strlen(slash + 1) > DESCRIPTION_MAX_SYSLOG_NAME)
		return 0;
	container->syslog_name = strdup(slash + 1);
	if (container->syslog_name == NULL)
		return error_set(err, ENOMEM, "name of syslog");
	slash[slash == directory ? 1 : 0] = '\0';
	container->syslog_directory = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return 0;
}

/* Both that wsh knows are ours, and their shells get the environment that we were started with. */
static int make_users(struct container *container, struct error *err)
{
	static const char *const names[] = { "vcap", "root" };
	enum { COUNT = sizeof(names) / sizeof(names[0]) };
	const char *home = getenv("HOME");
	size_t count = 0;

	while (environ[count] != NULL)
		count++;
	container->users = calloc(COUNT, sizeof(*container->users));
	if (container->users == NULL)
		return error_set(err, ENOMEM, "users");
	for (container->user_count = 0; container->user_count < COUNT; container->user_count++) {
		struct user *user = &container->users[container->user_count];

		*user = (struct user){ .uid = geteuid(), .gid = getegid(), .environment = { .items = environ, .count = count } };
		user->name = strdup(names[container->user_count]);
		user->directory = strdup(home != NULL ? home : "/");
		if (user->name == NULL || user->directory == NULL)
			return error_set(err, ENOMEM, "users");
	}
	return 0;
}

/* In the child: wshd with its channel, nothing for a filter, and nothing of ours. */
_Noreturn static void become_wshd(int program, int channel)
{
	char *const arguments[] = { "wshd", NULL }, *const environment[] = { NULL };
	int moved_channel = fcntl(channel, F_DUPFD_CLOEXEC, MOVED_FD), moved_program = fcntl(program, F_DUPFD_CLOEXEC, MOVED_FD);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (moved_channel >= 0 && moved_program >= 0 && null >= 0 && chdir("/") == 0 && dup2(null, 0) >= 0 && dup2(null, 1) >= 0 && dup2(null, 2) >= 0 &&
	    dup2(moved_channel, WSHD_CHANNEL) >= 0 && dup2(null, WSHD_FILTER) >= 0 && dup3(moved_program, WSHD_FILTER + 1, O_CLOEXEC) >= 0 &&
	    close_fds(WSHD_FILTER + 2, ~0u) == 0)
		syscall(SYS_execveat, WSHD_FILTER + 1, "", arguments, environment, AT_EMPTY_PATH);
	_exit(127);
}

static int start_wshd(int program, struct container *container, struct error *err)
{
	int pair[2];

	if (step_begin(STEP_CLONE, err) < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return error_set(err, errno, "socketpair");
	container->wshd = pair[0];
	_cleanup_close_ int channel = pair[1];

	container->pid = sys_fork_pidfd(&container->pidfd);
	if (container->pid < 0)
		return error_set(err, errno, "clone");
	if (container->pid == 0)
		become_wshd(program, channel);
	return 0;
}

static void undo_wshd(void *argument)
{
	struct container *container = argument;
	struct pollfd poller = { .fd = container->pidfd, .events = POLLIN };
	siginfo_t info;

	container->wshd = close_fd(container->wshd);
	if (container->pidfd < 0)
		return;
	sys_pidfd_send_signal(container->pidfd, SIGKILL);
	if (poll(&poller, 1, UNDO_DEADLINE_MS) > 0)
		waitid(P_PIDFD, (id_t)container->pidfd, &info, WEXITED);
	container->pidfd = close_fd(container->pidfd);
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

static int configure(int wshd, int64_t deadline, struct error *err)
{
	struct wire_buffer buffer = { 0 };

	wire_begin(&buffer, WIRE_CONFIGURE);
	wire_put_u32(&buffer, TAG_PLAIN, 1);
	int result = wire_end(&buffer, err);

	if (result == 0)
		result = packet_send(wshd, buffer.data + 4, buffer.size - 4, NULL, 0, deadline, err);
	wire_buffer_free(&buffer);
	return result;
}

static int start(int server, const struct plain_paths *paths, struct container *container, struct undo *undo, struct error *err)
{
	_cleanup_close_ int program = -1;
	struct stream_input input = { 0 };
	int64_t deadline = deadline_in_ms(START_DEADLINE_MS);

	undo_push(undo, undo_directories, &container->directories);
	if (open_paths(paths, container, &program, err) < 0 || open_syslog(paths->syslog, container, err) < 0 || make_users(container, err) < 0)
		return -1;
	undo_push(undo, undo_listener, container);
	undo_push(undo, undo_wshd, container);
	if (start_wshd(program, container, err) < 0)
		return -1;
	struct handshake handshake = { .launcher = server, .wshd = container->wshd, .pidfd = container->pidfd, .input = &input, .deadline = deadline };

	if (configure(container->wshd, deadline, err) < 0 || listening_begin(container, err) < 0) {
		handshake_child_error(&handshake, err);
		return -1;
	}
	int result = step_begin(STEP_WAIT_READY, err) < 0 ? -1 : handshake_wait_ready(&handshake, err);

	stream_input_free(&input);
	return result;
}

int plain_start(int server, const struct plain_paths *paths, struct container *ret_container, struct error *err)
{
	struct undo undo = { 0 };

	*ret_container = (struct container){ .directories = { .container = -1, .disk = -1, .upper = -1, .run = -1, .jobs = -1 }, .cgroups = { .memory = -1, .job_parent = -1 },
		.oom = OOM_WATCH_NONE, .listener = -1, .wshd = -1, .pidfd = -1, .files = -1, .syslog_directory = -1, .plain = true, .root = -1 };
	if (start(server, paths, ret_container, &undo, err) < 0) {
		undo_run(&undo);
		return -1;
	}
	undo_drop(&undo);
	ret_container->directories.container = close_fd(ret_container->directories.container);
	return 0;
}
