/* lib/stream.c and lib/fd.c: frames over sockets, cut at every point, with descriptors beside them. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/deadline.h"
#include "lib/fd.h"
#include "lib/stream.h"
#include "test/tap.h"

static struct wire_buffer two_frames(void)
{
	struct wire_buffer buffer = { 0 };
	struct error err;

	wire_begin(&buffer, WIRE_LIST);
	wire_end(&buffer, &err);
	wire_begin(&buffer, WIRE_SIGNAL_ALL);
	wire_put_u32(&buffer, TAG_SIGNAL, 15);
	wire_end(&buffer, &err);
	return buffer;
}

static void test_every_split(void)
{
	struct wire_buffer frames = two_frames();
	bool all = true;

	for (size_t split = 0; split <= frames.size; split++) {
		struct stream_input input = { 0 };
		struct error err;
		struct frame frame;
		int pair[2], seen = 0;

		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) < 0)
			return;
		for (int part = 0; part < 2; part++) {
			size_t from = part == 0 ? 0 : split, to = part == 0 ? split : frames.size;

			if (to > from && send(pair[0], frames.data + from, to - from, 0) != (ssize_t)(to - from))
				all = false;
			while (stream_fill(&input, pair[1], &err) > 0)
				;
			while (stream_next(&input, &frame, &err) > 0)
				all &= frame.type == (seen++ == 0 ? WIRE_LIST : WIRE_SIGNAL_ALL);
		}
		all &= seen == 2;
		close(pair[0]);
		all &= stream_fill(&input, pair[1], &err) == 0;
		stream_input_free(&input);
		close(pair[1]);
	}
	CHECK(all, "two frames, cut at every point");
	wire_buffer_free(&frames);
}

static void test_limits(void)
{
	struct stream_input input = { .max_body = 100 };
	uint8_t header[8] = { 101, 0, 0, 0, WIRE_LIST, 0, 0, 0 };
	struct frame frame;
	struct error err;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) < 0)
		return;
	CHECK(send(pair[0], header, 8, 0) == 8 && stream_fill(&input, pair[1], &err) == 1 && stream_next(&input, &frame, &err) == -1 && err.number == EMSGSIZE, "a frame over the limit");
	stream_input_free(&input);
	header[0] = 100;
	CHECK(send(pair[0], header, 8, 0) == 8 && stream_fill(&input, pair[1], &err) == 1 && stream_next(&input, &frame, &err) == 0 && !stream_has_frame(&input), "one at the limit is waited for");
	close(pair[0]);
	CHECK(stream_read_frame(&input, pair[1], deadline_in_ms(1000), &frame, &err) == -1 && err.number == EPIPE, "the end within a frame");
	stream_input_free(&input);
	close(pair[1]);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) < 0)
		return;
	header[0] = 0;
	header[6] = 1;
	CHECK(send(pair[0], header, 8, 0) == 8 && stream_read_frame(&input, pair[1], deadline_in_ms(1000), &frame, &err) == -1 && err.number == EBADMSG, "reserved bytes");
	stream_input_free(&input);
	CHECK(stream_read_frame(&input, pair[1], deadline_in_ms(20), &frame, &err) == -1 && err.number == ETIMEDOUT, "a deadline");
	stream_input_free(&input);
	close(pair[0]);
	close(pair[1]);
}

static void test_large(void)
{
	static uint8_t content[3u << 20];
	struct stream_input input = { 0 };
	struct wire_buffer buffer = { 0 };
	struct error err;
	struct frame frame = { 0 };
	size_t position = 0;
	int pair[2], result = 0;

	memset(content, 'x', sizeof(content));
	wire_begin(&buffer, WIRE_SPAWN);
	wire_put_bytes(&buffer, TAG_SCRIPT, content, sizeof(content));
	wire_end(&buffer, &err);
	size_t size = buffer.size;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) < 0)
		return;
	while (result == 0) {
		stream_flush(pair[0], &buffer, &position, &err);
		while (stream_fill(&input, pair[1], &err) > 0)
			;
		result = stream_next(&input, &frame, &err);
	}
	CHECK(result == 1 && frame.size == size - 8 && frame.body[frame.size - 1] == 'x' && buffer.size == 0, "three mebibytes through a small socket");
	CHECK(stream_next(&input, &frame, &err) == 0 && input.capacity == 0, "whose memory goes back");
	stream_input_free(&input);
	wire_buffer_free(&buffer);
	close(pair[0]);
	close(pair[1]);
}

static void test_descriptors(void)
{
	struct stream_input input = { .fd_limit = 3 };
	struct wire_buffer frames = two_frames();
	struct error err;
	struct frame frame;
	int pair[2], null = open("/dev/null", O_RDONLY | O_CLOEXEC), fds[4] = { null, null, null, null };

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) < 0)
		return;
	CHECK(stream_send(pair[0], &frames, fds, 3, deadline_in_ms(1000), &err) == 0 && stream_read_frame(&input, pair[1], deadline_in_ms(1000), &frame, &err) == 1 && input.fd_count == 3, "three descriptors");
	int first = stream_take_fd(&input);

	CHECK(first >= 0 && first != null && fcntl(first, F_GETFD) == FD_CLOEXEC && input.fd_count == 2, "are taken one by one, close-on-exec");
	close_fd(first);
	stream_input_free(&input);
	CHECK(fcntl(first + 1, F_GETFD) < 0, "and closed when nobody takes them");
	CHECK(stream_send(pair[0], &frames, fds, 4, deadline_in_ms(1000), &err) == 0 && stream_read_frame(&input, pair[1], deadline_in_ms(1000), &frame, &err) == -1 && err.number == EMFILE, "more than allowed");
	stream_input_free(&input);
	CHECK(stream_take_fd(&input) == -1, "none is left");
	close(pair[0]);
	close(pair[1]);

	uint8_t packet[16];
	int received[2];
	size_t size, count;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) < 0)
		return;
	CHECK(packet_send(pair[0], "abc", 3, fds, 2, deadline_in_ms(100), &err) == 0 && packet_receive(pair[1], packet, sizeof(packet), &size, received, 2, &count, &err) == 0 && size == 3 && count == 2, "a packet with two");
	close_fd(received[0]);
	close_fd(received[1]);
	CHECK(packet_send(pair[0], "0123456789abcdefg", 17, NULL, 0, deadline_in_ms(100), &err) == 0 && packet_receive(pair[1], packet, sizeof(packet), &size, received, 2, &count, &err) < 0 && err.number == EMSGSIZE, "one that is too long");
	CHECK(packet_receive(pair[1], packet, sizeof(packet), &size, received, 2, &count, &err) < 0 && err.number == EAGAIN, "nothing there");
	close(pair[0]);
	CHECK(packet_receive(pair[1], packet, sizeof(packet), &size, received, 2, &count, &err) == 0 && size == 0, "the end");
	close(pair[1]);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) < 0)
		return;
	CHECK(packet_send(pair[1], "unread", 6, NULL, 0, deadline_in_ms(100), &err) == 0 && packet_send(pair[0], "last", 4, NULL, 0, deadline_in_ms(100), &err) == 0, "a packet each way");
	close(pair[0]);
	CHECK(packet_receive(pair[1], packet, sizeof(packet), &size, received, 2, &count, &err) == 0 && size == 4, "what was said last comes, although the other end closed without having read");
	CHECK(packet_receive(pair[1], packet, sizeof(packet), &size, received, 2, &count, &err) == 0 && size == 0, "and then the end");
	close(pair[1]);
	close_fd(null);
	wire_buffer_free(&frames);
}

int main(void)
{
	test_every_split();
	test_limits();
	test_large();
	test_descriptors();
	return tap_end();
}
