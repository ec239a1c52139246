#include "files/reply.h"

#include <errno.h>
#include <sys/socket.h>

/* A blocking socket with a time limit of its own takes everything, or has failed. */
int reply_send_all(const struct transfer *transfer, const uint8_t *data, size_t size, struct error *err)
{
	while (size > 0) {
		ssize_t count = send(transfer->connection, data, size, MSG_NOSIGNAL);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return error_set(err, errno == EAGAIN ? ETIMEDOUT : errno, "answer the client");
		data += count;
		size -= (size_t)count;
	}
	return 0;
}

int reply_send(const struct transfer *transfer, struct wire_buffer *buffer, struct error *err)
{
	int result = wire_end(buffer, err);

	if (result == 0)
		result = reply_send_all(transfer, buffer->data, buffer->size, err);
	wire_buffer_free(buffer);
	return result;
}

int reply_ok(const struct transfer *transfer, struct error *err)
{
	struct wire_buffer buffer = { 0 };

	wire_begin(&buffer, WIRE_OK);
	return reply_send(transfer, &buffer, err);
}

/*
 * A connection that ends with something unread is reset, and a client that is still sending learns of that before it learns why. So what it has
 * sent is taken until it closes, as it does when it has the answer; the time limit of the connection ends a silent one.
 */
static void discard_rest(const struct transfer *transfer)
{
	char rest[16 << 10];
	ssize_t count;

	do
		count = recv(transfer->connection, rest, sizeof(rest), 0);
	while (count > 0 || (count < 0 && errno == EINTR));
}

void reply_error(const struct transfer *transfer, const struct error *problem)
{
	struct wire_buffer buffer = { 0 };
	struct error ignored;

	wire_begin_error(&buffer, problem);
	if (reply_send(transfer, &buffer, &ignored) == 0)
		discard_rest(transfer);
}
