#include "files/content.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "files/reply.h"

void content_input_init(struct content_input *input, const struct transfer *transfer)
{
	input->transfer = transfer;
	input->begin = input->end = input->body_left = input->piece_size = 0;
	input->ended = false;
	input->total = 0;
}

/*
 * Behind what is left in the buffer. A frame is not waited for as a whole: what has come of it is worked on while the client sends the rest, and the memory
 * is the same all the time.
 */
static int fill(struct content_input *input, struct error *err)
{
	ssize_t count;

	memmove(input->buffer, input->buffer + input->begin, input->end - input->begin);
	input->end -= input->begin;
	input->begin = 0;
	do
		count = recv(input->transfer->connection, input->buffer + input->end, CONTENT_CHUNK - input->end, 0);
	while (count < 0 && errno == EINTR);
	if (count < 0)
		return error_set(err, errno == EAGAIN ? ETIMEDOUT : errno, "content from the client");
	if (count == 0)
		return error_set(err, EPIPE, "the client has gone");
	input->end += (size_t)count;
	return 0;
}

static int read_header(struct content_input *input, struct error *err)
{
	while (input->end - input->begin < WIRE_HEADER_SIZE)
		if (fill(input, err) < 0)
			return -1;
	const uint8_t *header = input->buffer + input->begin;
	const size_t size = wire_load_u32(header);
	const uint16_t type = wire_load_u16(header + 4);

	if (size > CONTENT_MAX_FRAME)
		return error_set(err, EMSGSIZE, "frame of %zu bytes, the limit is %d", size, CONTENT_MAX_FRAME);
	if (wire_load_u16(header + 6) != 0)
		return error_set(err, EBADMSG, "reserved bytes of the header are not zero");
	if (type != WIRE_CONTENT && type != WIRE_CONTENT_END)
		return error_set(err, EBADMSG, "a frame of type %u", type);
	input->begin += WIRE_HEADER_SIZE;
	input->body_left = size;
	input->ended = type == WIRE_CONTENT_END;
	return 0;
}

int content_read(struct content_input *input, const uint8_t **ret_data, size_t *ret_size, struct error *err)
{
	while (!input->ended && input->body_left == 0)
		if (read_header(input, err) < 0)
			return -1;
	if (input->ended)
		return 0;
	if (input->begin == input->end && fill(input, err) < 0)
		return -1;
	const size_t there = input->end - input->begin;

	*ret_data = input->buffer + input->begin;
	*ret_size = there < input->body_left ? there : input->body_left;
	input->begin += *ret_size;
	input->body_left -= *ret_size;
	input->total += *ret_size;
	return 1;
}

ssize_t content_take(void *context, void *ret_data, size_t size, struct error *err)
{
	struct content_input *input = context;

	while (input->piece_size == 0) {
		int result = content_read(input, &input->piece, &input->piece_size, err);

		if (result <= 0)
			return result;
	}
	size_t count = input->piece_size < size ? input->piece_size : size;

	memcpy(ret_data, input->piece, count);
	input->piece += count;
	input->piece_size -= count;
	return (ssize_t)count;
}

void content_output_init(struct content_output *output, const struct transfer *transfer)
{
	output->transfer = transfer;
	output->used = 0;
	output->total = 0;
}

int content_output_flush(struct content_output *output, struct error *err)
{
	size_t size = output->used;

	if (size == 0)
		return 0;
	wire_store_u32(output->frame, (uint32_t)size);
	output->frame[4] = WIRE_CONTENT;
	output->frame[5] = output->frame[6] = output->frame[7] = 0;
	output->used = 0;
	return reply_send_all(output->transfer, output->frame, WIRE_HEADER_SIZE + size, err);
}

uint8_t *content_output_room(struct content_output *output, size_t *ret_size)
{
	*ret_size = CONTENT_CHUNK - output->used;
	return output->frame + WIRE_HEADER_SIZE + output->used;
}

int content_output_add(struct content_output *output, size_t size, struct error *err)
{
	output->used += size;
	output->total += size;
	return output->used == CONTENT_CHUNK ? content_output_flush(output, err) : 0;
}

int content_output_put(struct content_output *output, const void *data, size_t size, struct error *err)
{
	const uint8_t *from = data;

	while (size > 0) {
		size_t room;
		uint8_t *to = content_output_room(output, &room);
		size_t count = size < room ? size : room;

		memcpy(to, from, count);
		if (content_output_add(output, count, err) < 0)
			return -1;
		from += count;
		size -= count;
	}
	return 0;
}

int content_output_end(struct content_output *output, struct error *err)
{
	struct wire_buffer buffer = { 0 };

	if (content_output_flush(output, err) < 0)
		return -1;
	wire_begin(&buffer, WIRE_CONTENT_END);
	wire_put_u64(&buffer, TAG_LENGTH, output->total);
	return reply_send(output->transfer, &buffer, err);
}
