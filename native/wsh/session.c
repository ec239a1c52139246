/*
 * The monitor starts the job on a pty of the container and passes its master here; from then on bytes go directly between the two
 * terminals, and the monitor's connection only tells how the job ended.
 */
#include "wsh/session.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "lib/codec.h"
#include "lib/deadline.h"
#include "lib/fd.h"
#include "lib/stream.h"
#include "wsh/terminal.h"

enum { START_TIMEOUT_MS = 30000, CHUNK = 16 << 10 };

struct session {
	int monitor;
	int master;
	int signals;
	struct stream_input replies;
	bool input_open;
	int64_t drain_until;   /* 0 while the job runs */
	int status;
};

/* By descriptor of the directory, because the path may be longer than sun_path. */
static int connect_monitor(const char *path, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *folder = slash == NULL ? strdup(".") : slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
	const char *name = slash == NULL ? path : slash + 1;

	if (folder == NULL)
		return error_set(err, ENOMEM, "%s", path);
	_cleanup_close_ int directory = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return error_set(err, errno, "%s", folder);
	int size = snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", directory, name);
	if (size < 0 || (size_t)size >= sizeof(address.sun_path))
		return error_set(err, ENAMETOOLONG, "%s", name);
	_cleanup_close_ int monitor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (monitor < 0 || connect(monitor, (struct sockaddr *)&address, sizeof(address)) < 0)
		return error_set(err, errno, "%s", path);
	return steal_fd(&monitor);
}

static int send_request(int monitor, const struct session_request *request, struct error *err)
{
	struct wire_buffer buffer = { 0 };
	const char *terminal = getenv("TERM");
	_cleanup_free_ char *environment = NULL;
	uint32_t rows, columns;

	if (asprintf(&environment, "TERM=%s", terminal != NULL && *terminal != '\0' ? terminal : "dumb") < 0)
		return error_set(err, ENOMEM, "TERM");
	terminal_size(&rows, &columns);
	wire_begin(&buffer, WIRE_SHELL);
	wire_put_string(&buffer, TAG_NAME, request->user);
	wire_put_string(&buffer, TAG_ENVIRONMENT, environment);
	wire_put_u32(&buffer, TAG_ROWS, rows);
	wire_put_u32(&buffer, TAG_COLUMNS, columns);
	for (char **argument = request->arguments; *argument != NULL; argument++)
		wire_put_string(&buffer, TAG_ARGUMENT, *argument);
	int result = wire_end(&buffer, err);
	if (result == 0)
		result = stream_send(monitor, &buffer, NULL, 0, deadline_in_ms(START_TIMEOUT_MS), err);
	wire_buffer_free(&buffer);
	return result;
}

/* What the monitor says in ERROR becomes ours. */
static int read_error(const struct frame *frame, struct error *err)
{
	static char step[128] = "monitor";
	char detail[ERROR_DETAIL_SIZE] = "";
	struct wire_reader reader;
	struct wire_attribute attribute;
	uint32_t number = EIO;

	wire_reader_init(&reader, frame->body, frame->size);
	while (wire_next(&reader, &attribute, err) > 0) {
		if (attribute.tag == TAG_STEP)
			wire_string_into(&attribute, step, sizeof(step), err);
		else if (attribute.tag == TAG_DETAIL)
			wire_string_into(&attribute, detail, sizeof(detail), err);
		else if (attribute.tag == TAG_ERRNO)
			wire_u32(&attribute, &number, err);
	}
	err->step = step;
	return error_set(err, (int)number, "%s", detail);
}

static int start(struct session *session, struct error *err)
{
	struct frame frame;
	int result = stream_read_frame(&session->replies, session->monitor, deadline_in_ms(START_TIMEOUT_MS), &frame, err);

	if (result < 0)
		return -1;
	if (result == 0)
		return error_set(err, EPIPE, "the monitor closed the connection");
	if (frame.type == WIRE_ERROR)
		return read_error(&frame, err);
	if (frame.type != WIRE_OK)
		return error_set(err, EBADMSG, "answer of type %u", frame.type);
	session->master = stream_take_fd(&session->replies);
	return session->master < 0 ? error_set(err, EBADMSG, "no terminal came with the answer") : 0;
}

static int read_exit(struct session *session, const struct frame *frame, struct error *err)
{
	struct wire_reader reader;
	struct wire_attribute attribute;
	uint32_t kind = EXIT_LOST, value = 0;

	if (frame->type != WIRE_EXIT)
		return error_set(err, EBADMSG, "frame of type %u", frame->type);
	wire_reader_init(&reader, frame->body, frame->size);
	while (wire_next(&reader, &attribute, err) > 0) {
		if (attribute.tag == TAG_EXIT_KIND && wire_u32(&attribute, &kind, err) < 0)
			return -1;
		if (attribute.tag == TAG_EXIT_VALUE && wire_u32(&attribute, &value, err) < 0)
			return -1;
	}
	session->status = kind == EXIT_EXITED ? (int)(value & 0xff) : kind == EXIT_SIGNALLED ? 128 + (int)value : 255;
	/* What the job wrote last may still lie in the pty. */
	session->drain_until = deadline_in_ms(1000);
	return 0;
}

static int receive_exit(struct session *session, struct error *err)
{
	struct frame frame;
	int result = stream_fill(&session->replies, session->monitor, err);

	if (result == 0)
		return error_set(err, EPIPE, "the monitor went away");
	if (result < 0)
		return err->number == EAGAIN || err->number == EINTR ? 0 : -1;
	result = stream_next(&session->replies, &frame, err);
	return result <= 0 ? result : read_exit(session, &frame, err);
}

static int copy_input(struct session *session, struct error *err)
{
	char chunk[CHUNK];
	ssize_t count = read(STDIN_FILENO, chunk, sizeof(chunk));

	if (count > 0)
		return fd_write_all(session->master, chunk, (size_t)count, deadline_in_ms(START_TIMEOUT_MS), err);
	if (count < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	/* End of input: say so to the job as a person would. */
	session->input_open = false;
	char end = 4;
	return fd_write_all(session->master, &end, 1, deadline_in_ms(START_TIMEOUT_MS), err);
}

/* 1: go on; 0: the pty has hung up. */
static int copy_output(struct session *session, struct error *err)
{
	char chunk[CHUNK];
	ssize_t count = read(session->master, chunk, sizeof(chunk));

	if (count > 0)
		return fd_write_all(STDOUT_FILENO, chunk, (size_t)count, deadline_in_ms(START_TIMEOUT_MS), err) < 0 ? -1 : 1;
	if (count < 0 && (errno == EINTR || errno == EAGAIN))
		return 1;
	/* EIO: no process has the other end open any more. */
	return count == 0 || errno == EIO ? 0 : error_set(err, errno, "read the job's terminal");
}

static void follow_window_size(struct session *session)
{
	struct signalfd_siginfo info;
	struct winsize size = { 0 };
	uint32_t rows, columns;

	while (read(session->signals, &info, sizeof(info)) > 0)
		;
	terminal_size(&rows, &columns);
	size.ws_row = (unsigned short)rows;
	size.ws_col = (unsigned short)columns;
	ioctl(session->master, TIOCSWINSZ, &size);
}

static int copy(struct session *session, struct error *err)
{
	bool output_open = true;

	while (session->drain_until == 0 || output_open) {
		struct pollfd watched[] = {
			{ .fd = output_open ? session->master : -1, .events = POLLIN },
			{ .fd = session->drain_until == 0 ? session->monitor : -1, .events = POLLIN },
			{ .fd = session->input_open && session->drain_until == 0 ? STDIN_FILENO : -1, .events = POLLIN },
			{ .fd = session->signals, .events = POLLIN },
		};
		/* A running session has no deadline: a person sits at it. After the end only what is there already is shown. */
		int timeout = session->drain_until == 0 ? -1 : 0;
		int ready = poll(watched, 4, timeout);

		if (ready < 0 && errno != EINTR)
			return error_set(err, errno, "poll");
		if (session->drain_until != 0 && (watched[0].revents == 0 || deadline_remaining_ms(session->drain_until) == 0))
			return 0;
		if (watched[0].revents != 0) {
			int result = copy_output(session, err);

			if (result < 0)
				return -1;
			output_open = result > 0;
		}
		if (watched[3].revents != 0)
			follow_window_size(session);
		if (watched[2].revents != 0 && copy_input(session, err) < 0)
			return -1;
		if (watched[1].revents != 0 && receive_exit(session, err) < 0)
			return -1;
	}
	return 0;
}

static int run_with_terminal(struct session *session, struct error *err)
{
	struct terminal terminal;

	err->step = "copy";
	if (terminal_enter_raw(&terminal, err) < 0)
		return -1;
	int result = copy(session, err);
	terminal_restore(&terminal);
	return result;
}

int session_run(const struct session_request *request, struct error *err)
{
	struct session session = { .monitor = -1, .master = -1, .signals = -1, .input_open = true, .replies = { .max_body = 64 << 10, .fd_limit = 1 } };
	sigset_t window;
	int result = -1;

	sigemptyset(&window);
	sigaddset(&window, SIGWINCH);
	err->step = "connect to the monitor";
	session.monitor = connect_monitor(request->socket, err);
	if (session.monitor < 0)
		return -1;
	err->step = "start the shell";
	if (sigprocmask(SIG_BLOCK, &window, NULL) < 0 || (session.signals = signalfd(-1, &window, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
		error_set(err, errno, "signals");
	else if (send_request(session.monitor, request, err) == 0 && start(&session, err) == 0)
		result = run_with_terminal(&session, err);
	stream_input_free(&session.replies);
	close_fd(session.signals);
	close_fd(session.master);
	close_fd(session.monitor);
	return result < 0 ? -1 : session.status;
}
