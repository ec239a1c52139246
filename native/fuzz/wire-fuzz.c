/* lib/stream.c and lib/codec.c: bytes as they come from a socket. */
#include <stdlib.h>
#include <string.h>

#include "lib/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(struct wire_reader *reader, int depth)
{
	struct wire_attribute attribute;
	struct error err;

	while (wire_next(reader, &attribute, &err) > 0) {
		struct wire_reader inner;
		char text[16], *copy = NULL;
		uint32_t small;
		uint64_t large;

		wire_u32(&attribute, &small, &err);
		wire_u64(&attribute, &large, &err);
		wire_string_into(&attribute, text, sizeof(text), &err);
		wire_string(&attribute, 100, &copy, &err);
		free(copy);
		wire_reader_enter(&inner, &attribute);
		if (depth < 4)
			walk(&inner, depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stream_input input = { .max_body = 1 << 16 };
	struct frame frame;
	struct error err;

	input.data = malloc(size + 1);
	if (size > 0)
		memcpy(input.data, data, size);
	input.end = size;
	input.capacity = size + 1;
	while (stream_has_frame(&input) && stream_next(&input, &frame, &err) > 0) {
		struct wire_reader reader;

		wire_reader_init(&reader, frame.body, frame.size);
		walk(&reader, 0);
	}
	stream_input_free(&input);
	return 0;
}
