/* lib/codec.c: attributes out of frames and into them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/codec.h"
#include "test/tap.h"

static void test_round_trip(void)
{
	struct wire_buffer buffer = { 0 };
	struct error err;

	wire_begin(&buffer, WIRE_SPAWN);
	wire_put_u32(&buffer, TAG_JOB_ID, 0x01020304);
	wire_put_u64(&buffer, TAG_POSITION, 0x1122334455667788);
	wire_put_string(&buffer, TAG_NAME, "name");
	size_t opened = wire_open(&buffer, TAG_RLIMIT);

	wire_put_u32(&buffer, TAG_RESOURCE, 7);
	wire_close(&buffer, opened);
	wire_put_bytes(&buffer, TAG_CONTENT, "", 0);
	CHECK(wire_end(&buffer, &err) == 0, "a frame is built");
	CHECK(buffer.size == 8 + 12 + 16 + 12 + 20 + 8 && wire_load_u32(buffer.data) == buffer.size - 8 && wire_load_u16(buffer.data + 4) == WIRE_SPAWN, "its header");
	static const uint8_t number[] = { 81, 0, 0, 0, 4, 0, 0, 0, 4, 3, 2, 1 };

	CHECK(memcmp(buffer.data + 8, number, sizeof(number)) == 0, "numbers are little-endian");

	struct wire_reader reader, inner;
	struct wire_attribute attribute;
	uint32_t small = 0;
	uint64_t large = 0;
	char *text = NULL, room[5];

	wire_reader_init(&reader, buffer.data + 8, buffer.size - 8);
	CHECK(wire_next(&reader, &attribute, &err) == 1 && attribute.tag == TAG_JOB_ID && wire_u32(&attribute, &small, &err) == 0 && small == 0x01020304, "u32");
	CHECK(wire_u64(&attribute, &large, &err) < 0 && err.number == EBADMSG, "a u32 is no u64");
	CHECK(wire_next(&reader, &attribute, &err) == 1 && wire_u64(&attribute, &large, &err) == 0 && large == 0x1122334455667788, "u64");
	CHECK(wire_next(&reader, &attribute, &err) == 1 && wire_string(&attribute, 4, &text, &err) == 0 && strcmp(text, "name") == 0, "string");
	CHECK(wire_string(&attribute, 3, &text, &err) < 0 && err.number == EMSGSIZE && strcmp(text, "name") == 0, "a string over its limit");
	CHECK(wire_string_into(&attribute, room, 5, &err) == 0 && strcmp(room, "name") == 0 && wire_string_into(&attribute, room, 4, &err) < 0, "string into a buffer");
	CHECK(wire_next(&reader, &attribute, &err) == 1, "nested");
	wire_reader_enter(&inner, &attribute);
	CHECK(wire_next(&inner, &attribute, &err) == 1 && attribute.tag == TAG_RESOURCE && wire_next(&inner, &attribute, &err) == 0, "its parts");
	CHECK(wire_next(&reader, &attribute, &err) == 1 && attribute.size == 0 && wire_next(&reader, &attribute, &err) == 0, "empty, and the end");
	free(text);
	wire_buffer_free(&buffer);
}

static void test_malformed(void)
{
	static const struct {
		const char *what;
		uint8_t data[12];
		size_t size;
	} cases[] = {
		{ "a header cut off", { 1, 0, 0, 0, 0, 0, 0 }, 7 },
		{ "reserved bytes", { 1, 0, 1, 0, 0, 0, 0, 0 }, 8 },
		{ "longer than the body", { 1, 0, 0, 0, 5, 0, 0, 0, 1, 2, 3, 4 }, 12 },
		{ "a length of 4 GiB", { 1, 0, 0, 0, 255, 255, 255, 255, 1, 2, 3, 4 }, 12 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wire_reader reader;
		struct wire_attribute attribute;
		struct error err;

		wire_reader_init(&reader, cases[i].data, cases[i].size);
		CHECK(wire_next(&reader, &attribute, &err) == -1 && err.number == EBADMSG, cases[i].what);
	}
	struct wire_attribute with_nul = { .tag = TAG_NAME, .size = 3, .data = (const uint8_t *)"a\0b" };
	struct error err;
	char *text = NULL;

	CHECK(wire_string(&with_nul, 10, &text, &err) < 0 && err.number == EBADMSG && text == NULL, "NUL within a string");
}

static void test_strings(void)
{
	struct wire_strings strings = { 0 };
	struct wire_attribute attribute = { .tag = TAG_ARGUMENT, .size = 1, .data = (const uint8_t *)"x" };
	struct error err;
	int result = 0;

	for (int i = 0; i < 100 && result == 0; i++)
		result = wire_strings_add(&strings, &attribute, 10, 100, &err);
	CHECK(result == 0 && strings.count == 100 && strings.items[100] == NULL && strcmp(strings.items[99], "x") == 0, "100 strings end in NULL");
	CHECK(wire_strings_add(&strings, &attribute, 10, 100, &err) < 0 && err.number == E2BIG && strings.count == 100, "one more than allowed");
	wire_strings_free(&strings);
	CHECK(strings.items == NULL && strings.count == 0, "and none");
}

static void test_error_frame(void)
{
	struct wire_buffer buffer = { 0 };
	struct error err = { .step = "mount overlay", .number = EBUSY, .detail = "/x" }, other;
	char text[100];

	wire_begin(&buffer, WIRE_OK);
	CHECK(wire_end(&buffer, &other) == 0, "an empty frame");
	wire_begin_error(&buffer, &err);
	CHECK(wire_end(&buffer, &other) == 0 && wire_load_u16(buffer.data + 8 + 4) == WIRE_ERROR && wire_load_u32(buffer.data + 8) == buffer.size - 16, "an ERROR behind it");
	error_format(&err, text, sizeof(text));
	CHECK(strcmp(text, "mount overlay: /x: Device or resource busy") == 0, "and for people");
	wire_buffer_free(&buffer);
}

int main(void)
{
	test_round_trip();
	test_malformed();
	test_strings();
	test_error_frame();
	return tap_end();
}
