#include "lib/stream.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/fd.h"

#define CHUNK (16u << 10)
#define MAX_FDS 250u   /* the kernel's SCM_MAX_FD is 253 */

union control {
	char data[CMSG_SPACE(MAX_FDS * sizeof(int))];
	struct cmsghdr align;
};

static int make_room(struct stream_input *input, struct error *err)
{
	if (input->start == input->end)
		input->start = input->end = 0;
	if (input->capacity - input->end >= CHUNK / 2)
		return 0;
	if (input->start > 0) {
		memmove(input->data, input->data + input->start, input->end - input->start);
		input->end -= input->start;
		input->start = 0;
		if (input->capacity - input->end >= CHUNK / 2)
			return 0;
	}
	size_t capacity = input->capacity == 0 ? CHUNK : input->capacity * 2;
	uint8_t *grown = realloc(input->data, capacity);

	if (grown == NULL)
		return error_set(err, ENOMEM, "frame");
	input->data = grown;
	input->capacity = capacity;
	return 0;
}

static void prepare_fds(struct msghdr *message, union control *control, const int *fds, size_t count)
{
	memset(control, 0, sizeof(control->align));
	message->msg_control = control->data;
	message->msg_controllen = CMSG_SPACE(count * sizeof(int));
	struct cmsghdr *header = CMSG_FIRSTHDR(message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(header), fds, count * sizeof(int));
}

/* Collects the descriptors of a message; those beyond the limit are closed, and the result is -1. */
static int collect_fds(struct msghdr *message, int *ret_fds, size_t limit, size_t *count)
{
	int result = message->msg_flags & MSG_CTRUNC ? -1 : 0;

	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL; header = CMSG_NXTHDR(message, header)) {
		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		size_t received = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		for (size_t i = 0; i < received; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(fd));
			if (*count < limit) {
				ret_fds[(*count)++] = fd;
			} else {
				close_fd(fd);
				result = -1;
			}
		}
	}
	return result;
}

int stream_fill(struct stream_input *input, int fd, struct error *err)
{
	union control control;
	struct msghdr message = { 0 };
	ssize_t count;

	if (make_room(input, err) < 0)
		return -1;
	struct iovec vector = { .iov_base = input->data + input->end, .iov_len = input->capacity - input->end };

	message.msg_iov = &vector;
	message.msg_iovlen = 1;
	if (input->fd_limit > 0) {
		if (input->fds == NULL && (input->fds = malloc(input->fd_limit * sizeof(int))) == NULL)
			return error_set(err, ENOMEM, "descriptors");
		message.msg_control = control.data;
		message.msg_controllen = sizeof(control.data);
	}
	do
		count = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	while (count < 0 && errno == EINTR);
	if (count < 0)
		return error_set(err, errno, "recvmsg");
	if (input->fd_limit > 0 && collect_fds(&message, input->fds, input->fd_limit, &input->fd_count) < 0)
		return error_set(err, EMFILE, "more than %zu descriptors, or no room for them", input->fd_limit);
	input->end += (size_t)count;
	return count > 0;
}

int stream_next(struct stream_input *input, struct frame *ret_frame, struct error *err)
{
	size_t left = input->end - input->start;

	if (left == 0 && input->capacity > 4 * CHUNK) {
		free(input->data);
		input->data = NULL;
		input->start = input->end = input->capacity = 0;
	}
	if (left < WIRE_HEADER_SIZE)
		return 0;
	const uint8_t *at = input->data + input->start;
	uint32_t body = wire_load_u32(at);
	size_t max = input->max_body != 0 ? input->max_body : WIRE_MAX_BODY;

	if (body > max)
		return error_set(err, EMSGSIZE, "frame of %u bytes, the limit is %zu", body, max);
	if (wire_load_u16(at + 6) != 0)
		return error_set(err, EBADMSG, "reserved bytes of the header are not zero");
	if (left - WIRE_HEADER_SIZE < body)
		return 0;
	ret_frame->type = wire_load_u16(at + 4);
	ret_frame->body = at + WIRE_HEADER_SIZE;
	ret_frame->size = body;
	input->start += WIRE_HEADER_SIZE + body;
	return 1;
}

bool stream_has_frame(const struct stream_input *input)
{
	size_t left = input->end - input->start;
	size_t max = input->max_body != 0 ? input->max_body : WIRE_MAX_BODY;

	if (left < WIRE_HEADER_SIZE)
		return false;
	uint32_t body = wire_load_u32(input->data + input->start);

	return body > max || left - WIRE_HEADER_SIZE >= body;
}

int stream_take_fd(struct stream_input *input)
{
	if (input->fd_count == 0)
		return -1;
	int fd = input->fds[0];

	memmove(input->fds, input->fds + 1, --input->fd_count * sizeof(int));
	return fd;
}

void stream_input_free(struct stream_input *input)
{
	for (size_t i = 0; i < input->fd_count; i++)
		close_fd(input->fds[i]);
	free(input->fds);
	free(input->data);
	*input = (struct stream_input){ .max_body = input->max_body, .fd_limit = input->fd_limit };
}

int stream_read_frame(struct stream_input *input, int fd, int64_t deadline, struct frame *ret_frame, struct error *err)
{
	for (;;) {
		int result = stream_next(input, ret_frame, err);

		if (result != 0)
			return result;
		if (fd_wait(fd, POLLIN, deadline, err) < 0)
			return -1;
		result = stream_fill(input, fd, err);
		if (result == 0)
			return input->start == input->end ? 0 : error_set(err, EPIPE, "the other end closed within a frame");
		if (result < 0 && err->number != EAGAIN)
			return -1;
	}
}

int stream_flush(int fd, struct wire_buffer *buffer, size_t *position, struct error *err)
{
	while (*position < buffer->size) {
		ssize_t count = send(fd, buffer->data + *position, buffer->size - *position, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0 && errno == EAGAIN)
			return 0;
		if (count < 0)
			return error_set(err, errno, "send");
		*position += (size_t)count;
	}
	buffer->size = 0;
	*position = 0;
	return 1;
}

int stream_send(int fd, const struct wire_buffer *buffer, const int *fds, size_t fd_count, int64_t deadline, struct error *err)
{
	union control control;
	size_t position = 0;

	if (fd_count > MAX_FDS)
		return error_set(err, EMSGSIZE, "%zu descriptors in one message", fd_count);
	while (position < buffer->size) {
		struct iovec vector = { .iov_base = buffer->data + position, .iov_len = buffer->size - position };
		struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1 };

		if (position == 0 && fd_count > 0)
			prepare_fds(&message, &control, fds, fd_count);
		ssize_t count = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (count >= 0)
			position += (size_t)count;
		else if (errno == EAGAIN && fd_wait(fd, POLLOUT, deadline, err) < 0)
			return -1;
		else if (errno != EAGAIN && errno != EINTR)
			return error_set(err, errno, "sendmsg");
	}
	return 0;
}

int packet_receive(int fd, void *ret_data, size_t size, size_t *ret_size, int *ret_fds, size_t fd_limit, size_t *ret_fd_count, struct error *err)
{
	union control control;
	struct iovec vector = { .iov_base = ret_data, .iov_len = size };
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control.data, .msg_controllen = sizeof(control.data) };
	ssize_t count;
	bool reset = false;

	*ret_fd_count = 0;
	do {
		count = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
		/* That the other end closed with packets of ours unread is told once, before the packets that it had sent: its last words come then. */
		if (count < 0 && errno == ECONNRESET && !reset) {
			reset = true;
			errno = EINTR;
		}
	} while (count < 0 && errno == EINTR);
	if (count < 0)
		return error_set(err, errno, "recvmsg");
	int result = collect_fds(&message, ret_fds, fd_limit, ret_fd_count);

	*ret_size = (size_t)count;
	if (result < 0 || message.msg_flags & MSG_TRUNC) {
		while (*ret_fd_count > 0)
			close_fd(ret_fds[--*ret_fd_count]);
		return error_set(err, EMSGSIZE, "packet with too many bytes or descriptors, or no room for them");
	}
	return 0;
}

int packet_send(int fd, const void *data, size_t size, const int *fds, size_t fd_count, int64_t deadline, struct error *err)
{
	union control control;
	struct iovec vector = { .iov_base = (void *)data, .iov_len = size };
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1 };

	if (fd_count > MAX_FDS)
		return error_set(err, EMSGSIZE, "%zu descriptors in one packet", fd_count);
	if (fd_count > 0)
		prepare_fds(&message, &control, fds, fd_count);
	for (;;) {
		if (sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
			return 0;
		if (errno == EAGAIN && fd_wait(fd, POLLOUT, deadline, err) < 0)
			return -1;
		if (errno != EAGAIN && errno != EINTR)
			return error_set(err, errno, "sendmsg");
	}
}
