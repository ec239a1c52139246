#include "files/channel.h"

#include <errno.h>
#include <poll.h>

#include "lib/deadline.h"
#include "lib/fd.h"
#include "files/copy-frames.h"

enum { TURNS = 64 };

int channel_init(struct channel *channel, int connection, int control, struct error *err)
{
	*channel = (struct channel){ .connection = connection, .control = control, .input = { .max_body = COPY_MAX_FRAME, .fd_limit = COPY_MAX_DESCRIPTORS } };
	return fd_set_nonblocking(connection, true, err);
}

void channel_free(struct channel *channel)
{
	stream_input_free(&channel->input);
	wire_buffer_free(&channel->output);
}

/* The events of the connection, or an error. That there are none yet is no error. */
static int wait_for(const struct channel *channel, short events, int timeout_ms, short *ret_events, struct error *err)
{
	struct pollfd fds[2] = { { .fd = channel->connection, .events = events }, { .fd = channel->control, .events = POLLIN } };
	int count;

	do
		count = poll(fds, 2, timeout_ms);
	while (count < 0 && errno == EINTR);
	if (count < 0)
		return error_set(err, errno, "poll");
	if (fds[1].revents != 0)
		return error_set(err, ECANCELED, "the copy was given up");
	*ret_events = fds[0].revents;
	return 0;
}

/* @deadline 0: it begins now. */
static int wait_until(const struct channel *channel, short events, int64_t *deadline, short *ret_events, struct error *err)
{
	if (*deadline == 0)
		*deadline = deadline_in_ms(COPY_SILENCE_MS);
	int left = deadline_remaining_ms(*deadline);

	if (left == 0)
		return error_set(err, ETIMEDOUT, "nothing from the other end for %d s", COPY_SILENCE_MS / 1000);
	return wait_for(channel, events, left, ret_events, err);
}

int channel_check(struct channel *channel, struct error *err)
{
	short events;

	if (wait_for(channel, channel->control < 0 ? POLLRDHUP : 0, 0, &events, err) < 0)
		return -1;
	/* The host's end reads on: what the container's end said last is why it is gone. */
	return channel->control < 0 && events & (POLLRDHUP | POLLHUP | POLLERR) ? error_set(err, ECANCELED, "the other end is gone") : 0;
}

/* While there is always something to do nothing is waited for. */
static int check_now_and_then(struct channel *channel, struct error *err)
{
	return channel->control >= 0 && ++channel->turns % TURNS == 0 ? channel_check(channel, err) : 0;
}

/* What the other end says went wrong there. */
static int take_error(const struct channel *channel, const struct frame *frame, struct error *err)
{
	struct wire_reader reader;
	struct wire_attribute attribute;
	struct error ignored;
	uint32_t number = EPROTO;
	char detail[ERROR_DETAIL_SIZE] = "";

	wire_reader_init(&reader, frame->body, frame->size);
	while (wire_next(&reader, &attribute, &ignored) > 0) {
		if (attribute.tag == TAG_ERRNO)
			wire_u32(&attribute, &number, &ignored);
		else if (attribute.tag == TAG_DETAIL)
			wire_string_into(&attribute, detail, sizeof(detail), &ignored);
	}
	if (channel->other_end != NULL)
		err->step = channel->other_end;
	return error_set(err, number == 0 || number > 4095 ? EPROTO : (int)number, "%s", detail);
}

/* 1: frame; 0: not yet; -1. */
static int next(struct channel *channel, struct frame *ret_frame, struct error *err)
{
	int result = stream_next(&channel->input, ret_frame, err);

	channel->heard += result > 0;
	return result > 0 && ret_frame->type == WIRE_ERROR ? take_error(channel, ret_frame, err) : result;
}

/* 1: bytes came; 0: none yet. */
static int fill(struct channel *channel, struct error *err)
{
	int result = stream_fill(&channel->input, channel->connection, err);

	if (result == 0)
		return error_set(err, EPIPE, "the other end is gone");
	if (result < 0 && err->number == ECONNRESET)
		return error_set(err, EPIPE, "the other end is gone");
	if (result < 0)
		return err->number == EAGAIN ? 0 : -1;
	return 1;
}

int channel_receive(struct channel *channel, struct frame *ret_frame, struct error *err)
{
	/* For all of the frame: one that comes byte by byte is no sign of life. */
	int64_t deadline = 0;

	if (check_now_and_then(channel, err) < 0)
		return -1;
	for (;;) {
		short events;
		int result = next(channel, ret_frame, err);

		if (result != 0)
			return result < 0 ? -1 : 0;
		result = fill(channel, err);
		if (result < 0)
			return -1;
		if (result == 0 && wait_until(channel, POLLIN, &deadline, &events, err) < 0)
			return -1;
	}
}

int channel_poll(struct channel *channel, struct error *err)
{
	struct frame frame;
	int result;

	if (check_now_and_then(channel, err) < 0)
		return -1;
	for (;;) {
		while ((result = next(channel, &frame, err)) > 0)
			if (channel->incoming(channel->context, &frame, err) < 0)
				return -1;
		if (result < 0)
			return -1;
		result = fill(channel, err);
		if (result <= 0)
			return result;
	}
}

/* The last words of the other end tell more than that it is gone. */
static int broken(struct channel *channel, int number, struct error *err)
{
	if (channel->incoming != NULL && channel_poll(channel, err) < 0)
		return -1;
	return error_set(err, number, "the other end is gone");
}

int channel_send(struct channel *channel, int fd, struct error *err)
{
	int64_t deadline = 0;

	if (wire_end(&channel->output, err) < 0)
		return -1;
	for (;;) {
		const uint64_t heard = channel->heard;
		short events;
		/* One small frame into a stream socket goes whole or not at all: the kernel makes one buffer of it. */
		int result = stream_send(channel->connection, &channel->output, &fd, fd < 0 ? 0 : 1, clock_now_ms(), err);

		if (result == 0) {
			channel->output.size = 0;
			return 0;
		}
		if (err->number != ETIMEDOUT)
			return err->number == EPIPE || err->number == ECONNRESET ? broken(channel, err->number, err) : -1;
		if (wait_until(channel, channel->incoming != NULL ? POLLIN | POLLOUT : POLLOUT, &deadline, &events, err) < 0)
			return -1;
		if (events & POLLIN && channel->incoming != NULL && channel_poll(channel, err) < 0)
			return -1;
		/* One that is busy with a large file says so. */
		if (channel->heard != heard)
			deadline = 0;
	}
}
