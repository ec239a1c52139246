#include "monitor/input.h"

#include <errno.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "lib/fd.h"
#include "monitor/connection.h"

#define WRITES_A_TURN 16

static void advance(struct job_input *input);

static void on_ready(struct source *source, uint32_t events)
{
	(void)events;
	advance((struct job_input *)((char *)source - offsetof(struct job_input, source)));
}

void input_init(struct job *job)
{
	job->input = (struct job_input){ .source = { .fd = -1, .ready = on_ready }, .job = job };
}

int input_attach(struct job *job, int fd, struct error *err)
{
	if (fd_set_nonblocking(fd, true, err) < 0) {
		close_fd(fd);
		return -1;
	}
	job->input.source.fd = fd;
	return 0;
}

/* Watched only while somebody waits for room: a pipe that nobody reads any more would be ready all the time. */
static int watch(struct job_input *input, struct error *err)
{
	if (!input->watched && loop_add(&input->job->monitor->loop, &input->source, EPOLLOUT, err) < 0)
		return -1;
	input->watched = true;
	return 0;
}

static void unwatch(struct job_input *input)
{
	if (input->watched)
		loop_remove(&input->job->monitor->loop, &input->source);
	input->watched = false;
}

static void close_input(struct job_input *input)
{
	unwatch(input);
	input->source.fd = close_fd(input->source.fd);
}

static struct connection *take_first(struct job_input *input)
{
	struct connection *connection = input->first;

	input->first = connection->giving.next;
	connection->giving = (struct giving){ 0 };
	return connection;
}

static void answer_first(struct job_input *input, const struct error *problem)
{
	struct connection *connection = take_first(input);

	if (problem != NULL)
		connection_reply_error(connection, problem);
	else
		connection_reply_ok(connection);
}

static void refuse_all(struct job_input *input, const struct error *problem)
{
	while (input->first != NULL)
		answer_first(input, problem);
}

static int set_closed(const struct job_input *input, struct error *err)
{
	return error_set(err, EPIPE, "the input of job %u is closed", input->job->id);
}

static int set_not_read(const struct job_input *input, struct error *err)
{
	return error_set(err, EPIPE, "job %u does not read its input any more", input->job->id);
}

/* The end of a terminal's input is a character. In the middle of a line the first one only hands that line over. */
static int end_of_file(struct job_input *input, char *ret_text)
{
	struct termios settings;
	int count = 0;

	if (tcgetattr(input->source.fd, &settings) < 0 || settings.c_cc[VEOF] == _POSIX_VDISABLE)
		return 0;
	ret_text[count++] = (char)settings.c_cc[VEOF];
	if (input->unfinished_line)
		ret_text[count++] = (char)settings.c_cc[VEOF];
	return count;
}

/* Of a terminal, the end comes after the content, as more of it. */
static void append_end(struct job_input *input, struct giving *giving)
{
	int count = end_of_file(input, input->end);

	giving->close = false;
	giving->ending = true;
	giving->data = (const uint8_t *)input->end;
	giving->left = (size_t)count;
}

/* 1: all of it was taken; 0: no room; -1: nobody reads. */
static int write_some(struct job_input *input, struct giving *giving)
{
	ssize_t count;

	while (giving->left > 0) {
		count = write(input->source.fd, giving->data, giving->left);
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return errno == EAGAIN ? 0 : -1;
		if (count == 0)
			return 0;
		input->unfinished_line = !giving->ending && giving->data[count - 1] != '\n' && giving->data[count - 1] != '\r';
		giving->data += count;
		giving->left -= (size_t)count;
	}
	return 1;
}

static void advance(struct job_input *input)
{
	struct error err = { .step = "give input" };

	for (int turn = 0; turn < WRITES_A_TURN && input->first != NULL; turn++) {
		struct giving *giving = &input->first->giving;
		int result = write_some(input, giving);

		if (result < 0) {
			/* A terminal may be opened again: that is up to the job. */
			if (!input->job->terminal)
				close_input(input);
			set_not_read(input, &err);
			refuse_all(input, &err);
			return;
		}
		if (result == 0)
			break;
		if (giving->close && input->job->terminal) {
			append_end(input, giving);
			continue;
		}
		bool last = giving->close;

		if (last)
			close_input(input);
		answer_first(input, NULL);
		if (last) {
			set_closed(input, &err);
			refuse_all(input, &err);
			return;
		}
	}
	if (input->first == NULL)
		unwatch(input);
	else if (watch(input, &err) < 0)
		refuse_all(input, &err);
}

int input_give(struct connection *connection, struct job *job, const struct wire_attribute *content, bool close, struct error *err)
{
	struct job_input *input = &job->input;
	struct connection **link = &input->first;

	if (!job->open_input && !job->terminal)
		return error_set(err, EINVAL, "the input of job %u is not open", job->id);
	if (content != NULL && content->size > INPUT_MAX_CONTENT)
		return error_set(err, E2BIG, "input of %u bytes, at most %u", content->size, INPUT_MAX_CONTENT);
	if (input->source.fd < 0)
		return set_closed(input, err);
	while (*link != NULL)
		link = &(*link)->giving.next;
	*link = connection;
	connection->giving = (struct giving){ .job = job, .close = close };
	if (content != NULL) {
		connection->giving.data = content->data;
		connection->giving.left = content->size;
	}
	connection->phase = CONNECTION_GIVING_INPUT;
	connection_update(connection, false);
	if (input->first == connection)
		advance(input);
	return 0;
}

void input_abandon(struct connection *connection)
{
	struct job *job = connection->giving.job;

	if (job == NULL)
		return;
	struct connection **link = &job->input.first;
	bool first = *link == connection;

	while (*link != connection)
		link = &(*link)->giving.next;
	*link = connection->giving.next;
	connection->giving = (struct giving){ 0 };
	/* The next one may be one that only closes. It is served when the loop comes round to it, not from here. */
	if (first && job->input.first == NULL)
		unwatch(&job->input);
}

void input_end(struct job *job)
{
	struct error err = { .step = "give input" };

	if (job->input.source.fd < 0)
		return;
	close_input(&job->input);
	set_not_read(&job->input, &err);
	refuse_all(&job->input, &err);
}

int input_resize(struct job *job, uint32_t rows, uint32_t columns, struct error *err)
{
	struct winsize size = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns };

	if (!job->terminal)
		return error_set(err, EINVAL, "job %u has no terminal", job->id);
	if (rows == 0 || columns == 0 || rows > 0xffff || columns > 0xffff)
		return error_set(err, EINVAL, "%u rows, %u columns", rows, columns);
	if (job->input.source.fd < 0)
		return error_set(err, EPIPE, "the terminal of job %u is closed", job->id);
	return ioctl(job->input.source.fd, TIOCSWINSZ, &size) < 0 ? error_set(err, errno, "set the window size") : 0;
}
