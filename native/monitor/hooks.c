#include "monitor/hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lib/deadline.h"
#include "lib/fault.h"
#include "lib/fd.h"
#include "lib/steps.h"
#include "lib/syscalls.h"

/* In the minimal mount namespace (launcher/namespaces.c). */
#define HOST_PLACE "/volume"
#define ROOT_PLACE HOST_PLACE "/mnt"

enum { STDERR_KEPT = 480, STDERR_READ = 4096, WRITE_TIMEOUT_MS = 1000, PROGRAM_FD = 3 };

static const char *const point_names[] = { "", "parent-before-clone", "parent-after-clone", "child-before-pivot", "child-after-pivot" };

/* What one run needs; the child that executes the program only makes system calls. */
struct run {
	const struct hook *hook;
	int input, errors;          /* its standard input and error */
	int host_mounts;            /* -1: stay in this namespace */
	const char *root;           /* NULL: stay in this root */
	int program;                /* -1: by path */
	char *environment[4];
	char name[64], pid[32];
};

static _Noreturn void execute(const struct run *run)
{
	char *const *arguments = run->hook->arguments.items;
	sigset_t none;
	char letters[2];
	int program = -1;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	umask(022);
	if (setsid() < 0 || dup2(run->input, 0) < 0 || dup2(run->errors, 2) < 0)
		goto failed;
	if (run->host_mounts >= 0 && setns(run->host_mounts, CLONE_NEWNS) < 0)
		goto failed;
	if (run->root != NULL && (chroot(run->root) < 0 || chdir("/") < 0))
		goto failed;
	if (run->program >= 0) {
		/* The kernel hands a script's interpreter its number. */
		program = dup2(run->program, PROGRAM_FD);
		if (program < 0 || fcntl(program, F_SETFD, pread(program, letters, 2, 0) == 2 && memcmp(letters, "#!", 2) == 0 ? 0 : FD_CLOEXEC) < 0)
			goto failed;
	}
	if (close_fds(PROGRAM_FD + (program >= 0), ~0u) < 0)
		goto failed;
	if (program >= 0)
		syscall(SYS_execveat, program, "", arguments, run->environment, AT_EMPTY_PATH);
	else
		execve(arguments[0], arguments, run->environment);
failed:
	dprintf(2, "%s", strerror(errno));
	_exit(127);
}

/* The last bytes of what comes: the end of an error is what says most. */
struct tail {
	char text[STDERR_KEPT + 1];
	size_t size;
};

static void tail_add(struct tail *tail, const char *data, size_t size)
{
	if (size > STDERR_KEPT) {
		data += size - STDERR_KEPT;
		size = STDERR_KEPT;
	}
	size_t dropped = tail->size + size > STDERR_KEPT ? tail->size + size - STDERR_KEPT : 0;

	memmove(tail->text, tail->text + dropped, tail->size - dropped);
	memcpy(tail->text + tail->size - dropped, data, size);
	tail->size += size - dropped;
}

/* One line of it, for a message. */
static const char *tail_text(struct tail *tail)
{
	while (tail->size > 0 && (unsigned char)tail->text[tail->size - 1] <= ' ')
		tail->size--;
	tail->text[tail->size] = '\0';
	for (size_t i = 0; i < tail->size; i++)
		if ((unsigned char)tail->text[i] < ' ' || tail->text[i] == 0x7f)
			tail->text[i] = ' ';
	return tail->text;
}

/* Everything that is there. Returns whether more may come. */
static bool take(int errors, struct tail *tail)
{
	char piece[STDERR_READ];
	ssize_t count;

	while ((count = read(errors, piece, sizeof(piece))) > 0)
		tail_add(tail, piece, (size_t)count);
	return count < 0 && (errno == EAGAIN || errno == EINTR);
}

/* Until the program has ended: what it started may keep the pipe open. */
static int await(int pidfd, int errors, int64_t deadline, struct tail *tail, struct error *err)
{
	struct pollfd pollers[] = { { .fd = pidfd, .events = POLLIN }, { .fd = errors, .events = POLLIN } };

	for (;;) {
		int count = poll(pollers, 2, deadline_remaining_ms(deadline));

		if (count < 0 && errno != EINTR)
			return error_set(err, errno, "poll");
		if (count == 0)
			return error_set(err, ETIMEDOUT, "%s", "");
		if (pollers[1].revents != 0 && !take(errors, tail))
			pollers[1].fd = -1;
		if (pollers[0].revents != 0) {
			take(errors, tail);
			return 0;
		}
	}
}

static int judge(const struct run *run, int pidfd, int errors, int64_t deadline, pid_t pid, struct error *err)
{
	const char *program = run->hook->arguments.items[0];
	struct tail tail = { .size = 0 };
	siginfo_t info = { 0 };
	int result = await(pidfd, errors, deadline, &tail, err);

	/* With what it started, when it does not end by itself. */
	if (result < 0) {
		kill(-pid, SIGKILL);
		/* It may not lead a group of its own yet. */
		sys_pidfd_send_signal(pidfd, SIGKILL);
	}
	while (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) < 0 && errno == EINTR)
		;
	if (result < 0 && err->number == ETIMEDOUT)
		return error_set(err, ETIMEDOUT, "%.120s did not end in time: %s", program, tail_text(&tail));
	if (result < 0)
		return -1;
	if (info.si_code == CLD_EXITED && info.si_status == 0)
		return 0;
	return error_set(err, ECHILD, info.si_code == CLD_EXITED ? "%.120s exited with status %d: %s" : "%.120s was killed by signal %d: %s", program, info.si_status,
		tail_text(&tail));
}

/* The object, with what only we know at its end. */
static int make_input(const struct hook_list *list, uint32_t point, pid_t pid, int *ret_fd, struct error *err)
{
	_cleanup_close_ int file = memfd_create("hook", MFD_CLOEXEC);
	char more[128];

	if (file < 0)
		return error_set(err, errno, "memfd_create");
	int size = snprintf(more, sizeof(more), "%s\"hook\":\"%s\"", list->input_size > 2 ? "," : "", point_names[point]);

	if (pid > 0)
		size += snprintf(more + size, sizeof(more) - (size_t)size, ",\"pid\":%d", pid);
	if (point >= HOOK_CHILD_BEFORE_PIVOT)
		size += snprintf(more + size, sizeof(more) - (size_t)size, ",\"root\":\"%s\"", point == HOOK_CHILD_BEFORE_PIVOT ? "/mnt" : "/");
	size += snprintf(more + size, sizeof(more) - (size_t)size, "}\n");
	const void *begin = list->input_size > 2 ? (const void *)list->input : "{";

	if (fd_write_all(file, begin, list->input_size > 2 ? list->input_size - 1 : 1, deadline_in_ms(WRITE_TIMEOUT_MS), err) < 0 ||
	    fd_write_all(file, more, (size_t)size, deadline_in_ms(WRITE_TIMEOUT_MS), err) < 0)
		return -1;
	if (lseek(file, 0, SEEK_SET) < 0)
		return error_set(err, errno, "input of hooks");
	*ret_fd = steal_fd(&file);
	return 0;
}

static int run_one(struct run *run, int64_t deadline, struct error *err)
{
	int pipe[2];
	int64_t own = deadline_in_ms(run->hook->timeout_ms < 3600000 ? (int64_t)run->hook->timeout_ms : 3600000);

	if (pipe2(pipe, O_CLOEXEC) < 0)
		return error_set(err, errno, "pipe");
	_cleanup_close_ int errors = pipe[0];

	run->errors = pipe[1];
	/* Not by fork(): another thread may have held the C library's locks when our process was cloned. */
	_cleanup_close_ int pidfd = -1;
	struct warden_clone_args arguments = { .flags = CLONE_PIDFD, .pidfd = (uint64_t)(uintptr_t)&pidfd, .exit_signal = SIGCHLD };
	pid_t pid = fd_set_nonblocking(errors, true, err) < 0 ? -1 : sys_clone3(&arguments);

	if (pid == 0)
		execute(run);
	run->errors = close_fd(run->errors);
	if (pid < 0)
		return error_set(err, errno, "clone3");
	return judge(run, pidfd, errors, own < deadline ? own : deadline, pid, err);
}

static const char *step_of(uint32_t point)
{
	static const char *const steps[] = { "", STEP_HOOK_BEFORE_CLONE, STEP_HOOK_AFTER_CLONE, STEP_HOOK_BEFORE_PIVOT, STEP_HOOK_AFTER_PIVOT };

	return steps[point];
}

int hooks_run(const struct hook_list *list, const struct hook_sources *sources, uint32_t point, pid_t pid, int64_t deadline, struct error *err)
{
	size_t next_program = 0;

	if (step_begin(step_of(point), err) < 0)
		return -1;
	for (size_t i = 0; i < list->count; i++) {
		struct run run = { .hook = &list->hooks[i], .host_mounts = -1, .program = -1, .environment = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", run.name } };

		if (run.hook->point != point)
			continue;
		snprintf(run.name, sizeof(run.name), "WARDEN_HOOK=%s", point_names[point]);
		if (pid > 0) {
			snprintf(run.pid, sizeof(run.pid), "PID=%d", pid);
			run.environment[2] = run.pid;
		}
		if (point <= HOOK_PARENT_AFTER_CLONE)
			run.host_mounts = sources->host_mounts;
		else if (point == HOOK_CHILD_BEFORE_PIVOT)
			run.root = HOST_PLACE;
		else
			run.program = sources->programs[next_program++];
		_cleanup_close_ int input = -1;

		if (make_input(list, point, pid, &input, err) < 0)
			return -1;
		run.input = input;
		if (run_one(&run, deadline, err) < 0)
			return -1;
	}
	return 0;
}

int hooks_prepare_root(const struct hook_sources *sources, struct error *err)
{
	/* Programs need /dev/null; what else they may open there says the container's device cgroup. */
	struct warden_mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID, .propagation = MS_PRIVATE };

	if (sources->host_root < 0)
		return 0;
	if (sys_mount_setattr(sources->host_root, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr) < 0)
		return error_set(err, errno, "the host's root for hooks");
	return 0;
}

int hooks_run_before_pivot(const struct hook_list *list, const struct hook_sources *sources, int64_t deadline, struct error *err)
{
	if (step_begin(STEP_HOOK_BEFORE_PIVOT, err) < 0)
		return -1;
	if (sources->host_root < 0)
		return 0;
	if (sys_move_mount(sources->host_root, "", AT_FDCWD, HOST_PLACE, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_set(err, errno, "attach the host's root for hooks");
	if (sys_move_mount(AT_FDCWD, "/root", AT_FDCWD, ROOT_PLACE, 0) < 0)
		return error_set(err, errno, "the container's root on the host's /mnt for hooks");
	return hooks_run(list, sources, HOOK_CHILD_BEFORE_PIVOT, 0, deadline, err);
}

size_t hook_sources_count(const struct hook_list *list)
{
	return (list->count > 0) + (hook_list_count(list, HOOK_CHILD_BEFORE_PIVOT) > 0) + hook_list_count(list, HOOK_CHILD_AFTER_PIVOT);
}

void hook_sources_take(struct hook_sources *sources, const struct hook_list *list, struct stream_input *input)
{
	if (list->count > 0)
		sources->host_mounts = stream_take_fd(input);
	if (hook_list_count(list, HOOK_CHILD_BEFORE_PIVOT) > 0)
		sources->host_root = stream_take_fd(input);
	sources->program_count = hook_list_count(list, HOOK_CHILD_AFTER_PIVOT);
	for (size_t i = 0; i < sources->program_count; i++)
		sources->programs[i] = stream_take_fd(input);
}

void hook_sources_close(struct hook_sources *sources)
{
	sources->host_mounts = close_fd(sources->host_mounts);
	sources->host_root = close_fd(sources->host_root);
	for (size_t i = 0; i < sources->program_count; i++)
		close_fd(sources->programs[i]);
	sources->program_count = 0;
}
