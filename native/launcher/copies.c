#include "launcher/copies.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "lib/deadline.h"
#include "lib/fd.h"
#include "lib/syscalls.h"
#include "launcher/steps.h"

/* An order has to fit into its socket at once. */
enum { MAX_UNDER_WAY = 128, MAX_ORDER = 48 << 10, MAX_REPORT = 16 << 10, CHILD_STACK_SIZE = 32768, CHILD_SOCKET = 0, CHILD_PROGRAM = 3 };

struct copy {
	struct copy *next;
	struct watch watch;          /* its reports; fd -1: given up, or nothing more comes */
	struct stream_input input;
	pid_t pid;
	uint32_t request;
	bool answered;
	bool abandoned;
};

struct child {
	int program;
	int socket;
	int null;
	int number;   /* errno of what failed; the child shares our memory */
};

/* See spawn.c: the child of a vfork. */
static int child_main(void *argument)
{
	struct child *child = argument;
	char *const arguments[] = { "files", "host", NULL };
	char *const environment[] = { NULL };
	sigset_t none;

	sigemptyset(&none);
	/* Above all numbers that are given out below, so that neither is overwritten before its turn. */
	int socket = fcntl(child->socket, F_DUPFD_CLOEXEC, 16), program = fcntl(child->program, F_DUPFD_CLOEXEC, 16);

	if (socket >= 0 && program >= 0 && dup2(socket, CHILD_SOCKET) >= 0 && dup2(child->null, 1) >= 0 && dup2(child->null, 2) >= 0 &&
	    dup3(program, CHILD_PROGRAM, O_CLOEXEC) >= 0 && close_fds(CHILD_PROGRAM + 1, ~0U) == 0) {
		signal(SIGPIPE, SIG_DFL);
		sigprocmask(SIG_SETMASK, &none, NULL);
		syscall(SYS_execveat, CHILD_PROGRAM, "", arguments, environment, AT_EMPTY_PATH);
	}
	child->number = errno;
	_exit(127);
}

static int spawn(int program, pid_t *ret_pid, int *ret_socket, struct error *err)
{
	static _Alignas(16) char stack[CHILD_STACK_SIZE];
	_cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int pair[2];

	if (null < 0)
		return error_set(err, errno, "/dev/null");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return error_set(err, errno, "socketpair");
	_cleanup_close_ int ours = pair[0];
	_cleanup_close_ int theirs = pair[1];
	struct child child = { .program = program, .socket = theirs, .null = null };
	pid_t pid = clone(child_main, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, &child);

	if (pid < 0)
		return error_set(err, errno, "clone");
	if (child.number != 0) {
		waitpid(pid, NULL, 0);
		return error_set(err, child.number, "files");
	}
	*ret_pid = pid;
	*ret_socket = steal_fd(&ours);
	return 0;
}

/* The report as it is, with the request's number before it. */
static void pass_on(struct launcher *launcher, struct copy *copy, const struct frame *report)
{
	if (copy->answered)
		return;
	copy->answered = report->type != WIRE_COPY_PROGRESS;
	wire_begin(&launcher->output, report->type);
	wire_put_u32(&launcher->output, TAG_REQUEST, copy->request);
	wire_put_raw(&launcher->output, report->body, report->size);
	answer_send(launcher);
}

static bool is_report(uint16_t type)
{
	return type == WIRE_COPY_PROGRESS || type == WIRE_OK || type == WIRE_ERROR;
}

/* False: no more comes. */
static bool read_reports(struct launcher *launcher, struct copy *copy)
{
	struct frame report;
	struct error err;
	int filled = stream_fill(&copy->input, copy->watch.fd, &err), result;

	if (filled == 0 || (filled < 0 && err.number != EAGAIN))
		return false;
	while ((result = stream_next(&copy->input, &report, &err)) > 0) {
		if (!is_report(report.type))
			return false;
		pass_on(launcher, copy, &report);
	}
	return result == 0 && filled > 0;
}

static void stop_reading(struct launcher *launcher, struct copy *copy)
{
	if (copy->watch.fd >= 0)
		watch_close(launcher, &copy->watch);
	copy->watch.fd = -1;
}

static void on_report(struct launcher *launcher, struct watch *watch, uint32_t events)
{
	struct copy *copy = (struct copy *)((char *)watch - offsetof(struct copy, watch));

	if (!read_reports(launcher, copy) && (events & (EPOLLHUP | EPOLLRDHUP | EPOLLERR)) != 0)
		stop_reading(launcher, copy);
}

static int send_order(int socket, const void *body, size_t size, struct error *err)
{
	struct wire_buffer order = { 0 };

	wire_begin(&order, WIRE_COPY);
	wire_put_raw(&order, body, size);
	int result = wire_end(&order, err);

	if (result == 0)
		result = stream_send(socket, &order, NULL, 0, clock_now_ms(), err);
	wire_buffer_free(&order);
	return result;
}

static size_t under_way(const struct launcher *launcher)
{
	size_t count = 0;

	for (const struct copy *copy = launcher->copies; copy != NULL; copy = copy->next)
		count++;
	return count;
}

static int begin(struct launcher *launcher, uint32_t request, const void *body, size_t size, struct error *err)
{
	if (size > MAX_ORDER)
		return error_set(err, E2BIG, "order of %zu bytes, at most %d", size, MAX_ORDER);
	if (under_way(launcher) >= MAX_UNDER_WAY)
		return error_set(err, EAGAIN, "%d copies are under way", MAX_UNDER_WAY);
	struct copy *copy = calloc(1, sizeof(*copy));

	if (copy == NULL)
		return error_set(err, ENOMEM, "copy");
	*copy = (struct copy){ .watch = { .fd = -1, .ready = on_report }, .input = { .max_body = MAX_REPORT }, .request = request };
	if (spawn(launcher->host.files, &copy->pid, &copy->watch.fd, err) < 0) {
		free(copy);
		return -1;
	}
	/* From here on it is the end of its process that frees it; one that has no order ends by itself. */
	copy->next = launcher->copies;
	launcher->copies = copy;
	if (watch_add(launcher, &copy->watch, EPOLLIN, err) == 0) {
		if (send_order(copy->watch.fd, body, size, err) == 0)
			return 0;
		stop_reading(launcher, copy);
	} else {
		copy->watch.fd = close_fd(copy->watch.fd);
	}
	copy->answered = true;
	return -1;
}

void copy_begin(struct launcher *launcher, uint32_t request, const void *body, size_t size)
{
	struct error err = { .step = STEP_COPY };

	if (begin(launcher, request, body, size, &err) < 0)
		answer_error(launcher, request, &err);
}

void copy_abandon(struct launcher *launcher, uint32_t request)
{
	for (struct copy *copy = launcher->copies; copy != NULL; copy = copy->next) {
		if (copy->request != request || copy->answered)
			continue;
		copy->abandoned = true;
		stop_reading(launcher, copy);
	}
}

static void answer_end(struct launcher *launcher, const struct copy *copy, int status)
{
	struct error err = { .step = STEP_COPY };

	if (copy->abandoned)
		error_set(&err, ECANCELED, "the copy was given up");
	else
		error_set(&err, ECHILD, WIFSIGNALED(status) ? "killed by signal %d" : "exited with status %d", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	answer_error(launcher, copy->request, &err);
}

bool copy_child_ended(struct launcher *launcher, pid_t pid, int status)
{
	struct copy **link = &launcher->copies;

	while (*link != NULL && (*link)->pid != pid)
		link = &(*link)->next;
	if (*link == NULL)
		return false;
	struct copy *copy = *link;

	*link = copy->next;
	/* Its last words may not have been read yet. */
	while (copy->watch.fd >= 0 && read_reports(launcher, copy))
		continue;
	stop_reading(launcher, copy);
	if (!copy->answered)
		answer_end(launcher, copy, status);
	stream_input_free(&copy->input);
	free(copy);
	return true;
}

void copy_drop_all(struct launcher *launcher)
{
	while (launcher->copies != NULL) {
		struct copy *copy = launcher->copies;

		launcher->copies = copy->next;
		close_fd(copy->watch.fd);
		stream_input_free(&copy->input);
		free(copy);
	}
}
