#include "files/content.h"

#include <errno.h>
#include <string.h>

#include "files/reply.h"
#include "lib/deadline.h"

void content_input_init(struct content_input *input, const struct transfer *transfer)
{
	*input = (struct content_input){ .transfer = transfer, .input = { .max_body = CONTENT_MAX_FRAME } };
}

int content_read(struct content_input *input, const uint8_t **ret_data, size_t *ret_size, struct error *err)
{
	struct frame frame;

	if (input->ended)
		return 0;
	int result = stream_read_frame(&input->input, input->transfer->connection, deadline_in_ms(TRANSFER_SILENCE_S * 1000), &frame, err);

	if (result <= 0)
		return result < 0 ? -1 : error_set(err, EPIPE, "the client has gone");
	if (frame.type == WIRE_CONTENT_END) {
		input->ended = true;
		return 0;
	}
	if (frame.type != WIRE_CONTENT)
		return error_set(err, EBADMSG, "a frame of type %u", frame.type);
	*ret_data = frame.body;
	*ret_size = frame.size;
	input->total += frame.size;
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

void content_input_free(struct content_input *input)
{
	stream_input_free(&input->input);
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
