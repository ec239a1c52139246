#include "lib/codec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

uint16_t wire_load_u16(const uint8_t *from)
{
	return (uint16_t)(from[0] | from[1] << 8);
}

uint32_t wire_load_u32(const uint8_t *from)
{
	return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

uint64_t wire_load_u64(const uint8_t *from)
{
	return wire_load_u32(from) | (uint64_t)wire_load_u32(from + 4) << 32;
}

void wire_store_u32(uint8_t *to, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		to[i] = (uint8_t)(value >> (8 * i));
}

void wire_store_u64(uint8_t *to, uint64_t value)
{
	wire_store_u32(to, (uint32_t)value);
	wire_store_u32(to + 4, (uint32_t)(value >> 32));
}

void wire_reader_init(struct wire_reader *reader, const void *body, size_t size)
{
	reader->next = body;
	reader->end = size > 0 ? reader->next + size : reader->next;
}

void wire_reader_enter(struct wire_reader *reader, const struct wire_attribute *attribute)
{
	wire_reader_init(reader, attribute->data, attribute->size);
}

int wire_next(struct wire_reader *reader, struct wire_attribute *ret_attribute, struct error *err)
{
	size_t left = (size_t)(reader->end - reader->next);

	if (left == 0)
		return 0;
	if (left < WIRE_ATTRIBUTE_HEADER_SIZE)
		return error_set(err, EBADMSG, "%zu bytes where an attribute should begin", left);
	ret_attribute->tag = wire_load_u16(reader->next);
	if (wire_load_u16(reader->next + 2) != 0)
		return error_set(err, EBADMSG, "attribute %u: reserved bytes are not zero", ret_attribute->tag);
	ret_attribute->size = wire_load_u32(reader->next + 4);
	left -= WIRE_ATTRIBUTE_HEADER_SIZE;
	if (ret_attribute->size > left)
		return error_set(err, EBADMSG, "attribute %u: %u bytes announced, %zu there", ret_attribute->tag, ret_attribute->size, left);
	ret_attribute->data = reader->next + WIRE_ATTRIBUTE_HEADER_SIZE;
	reader->next = ret_attribute->data + ret_attribute->size;
	return 1;
}

int wire_read_all(const void *body, size_t size, wire_read_function read, void *context, struct error *err)
{
	struct wire_reader reader;
	struct wire_attribute attribute;
	int result;

	wire_reader_init(&reader, body, size);
	while ((result = wire_next(&reader, &attribute, err)) > 0)
		if (read(context, &attribute, err) < 0)
			return -1;
	return result;
}

int wire_u32(const struct wire_attribute *attribute, uint32_t *ret_value, struct error *err)
{
	if (attribute->size != 4)
		return error_set(err, EBADMSG, "attribute %u: %u bytes instead of 4", attribute->tag, attribute->size);
	*ret_value = wire_load_u32(attribute->data);
	return 0;
}

int wire_u64(const struct wire_attribute *attribute, uint64_t *ret_value, struct error *err)
{
	if (attribute->size != 8)
		return error_set(err, EBADMSG, "attribute %u: %u bytes instead of 8", attribute->tag, attribute->size);
	*ret_value = wire_load_u64(attribute->data);
	return 0;
}

static int check_string(const struct wire_attribute *attribute, size_t max, struct error *err)
{
	if (attribute->size > max)
		return error_set(err, EMSGSIZE, "attribute %u: %u bytes, the limit is %zu", attribute->tag, attribute->size, max);
	if (attribute->size > 0 && memchr(attribute->data, '\0', attribute->size) != NULL)
		return error_set(err, EBADMSG, "attribute %u: NUL within a string", attribute->tag);
	return 0;
}

int wire_string(const struct wire_attribute *attribute, size_t max, char **ret_text, struct error *err)
{
	if (check_string(attribute, max, err) < 0)
		return -1;
	char *text = malloc((size_t)attribute->size + 1);

	if (text == NULL)
		return error_set(err, ENOMEM, "attribute %u", attribute->tag);
	if (attribute->size > 0)
		memcpy(text, attribute->data, attribute->size);
	text[attribute->size] = '\0';
	free(*ret_text);
	*ret_text = text;
	return 0;
}

int wire_string_into(const struct wire_attribute *attribute, char *ret_text, size_t size, struct error *err)
{
	if (check_string(attribute, size - 1, err) < 0)
		return -1;
	if (attribute->size > 0)
		memcpy(ret_text, attribute->data, attribute->size);
	ret_text[attribute->size] = '\0';
	return 0;
}

int wire_strings_add(struct wire_strings *strings, const struct wire_attribute *attribute, size_t max_size, size_t max_count, struct error *err)
{
	char *text = NULL;

	if (strings->count >= max_count)
		return error_set(err, E2BIG, "attribute %u: more than %zu of them", attribute->tag, max_count);
	/* Room for 8 at first, then doubled at each power of two; one more for the final NULL. */
	if (strings->count == 0 || (strings->count >= 8 && (strings->count & (strings->count - 1)) == 0)) {
		size_t capacity = strings->count == 0 ? 8 : strings->count * 2;
		char **items = realloc(strings->items, (capacity + 1) * sizeof(*items));

		if (items == NULL)
			return error_set(err, ENOMEM, "attribute %u", attribute->tag);
		strings->items = items;
		strings->items[strings->count] = NULL;
	}
	if (wire_string(attribute, max_size, &text, err) < 0)
		return -1;
	strings->items[strings->count++] = text;
	strings->items[strings->count] = NULL;
	return 0;
}

void wire_strings_free(struct wire_strings *strings)
{
	for (size_t i = 0; i < strings->count; i++)
		free(strings->items[i]);
	free(strings->items);
	*strings = (struct wire_strings){ 0 };
}

static uint8_t *buffer_extend(struct wire_buffer *buffer, size_t size)
{
	if (buffer->failed)
		return NULL;
	if (size > buffer->capacity - buffer->size) {
		size_t capacity = buffer->capacity < 256 ? 256 : buffer->capacity;

		while (capacity - buffer->size < size) {
			if (capacity > SIZE_MAX / 2) {
				buffer->failed = true;
				return NULL;
			}
			capacity *= 2;
		}
		uint8_t *grown = realloc(buffer->data, capacity);

		if (grown == NULL) {
			buffer->failed = true;
			return NULL;
		}
		buffer->data = grown;
		buffer->capacity = capacity;
	}
	buffer->size += size;
	return buffer->data + buffer->size - size;
}

int wire_reserve(struct wire_buffer *buffer, size_t size, struct error *err)
{
	if (buffer_extend(buffer, size) == NULL)
		return error_set(err, ENOMEM, "%zu bytes", size);
	buffer->size -= size;
	return 0;
}

static uint8_t *put_header(struct wire_buffer *buffer, uint16_t tag, size_t size)
{
	uint8_t *at = buffer_extend(buffer, WIRE_ATTRIBUTE_HEADER_SIZE + size);

	if (at == NULL)
		return NULL;
	wire_store_u32(at, tag);
	wire_store_u32(at + 4, (uint32_t)size);
	return at + WIRE_ATTRIBUTE_HEADER_SIZE;
}

void wire_begin(struct wire_buffer *buffer, uint16_t type)
{
	buffer->frame = buffer->size;
	uint8_t *at = buffer_extend(buffer, WIRE_HEADER_SIZE);

	if (at != NULL) {
		wire_store_u32(at, 0);
		wire_store_u32(at + 4, type);
	}
}

void wire_put_u32(struct wire_buffer *buffer, uint16_t tag, uint32_t value)
{
	uint8_t *at = put_header(buffer, tag, 4);

	if (at != NULL)
		wire_store_u32(at, value);
}

void wire_put_u64(struct wire_buffer *buffer, uint16_t tag, uint64_t value)
{
	uint8_t *at = put_header(buffer, tag, 8);

	if (at != NULL)
		wire_store_u64(at, value);
}

void wire_put_bytes(struct wire_buffer *buffer, uint16_t tag, const void *data, size_t size)
{
	uint8_t *at = put_header(buffer, tag, size);

	if (at != NULL && size > 0)
		memcpy(at, data, size);
}

void wire_put_string(struct wire_buffer *buffer, uint16_t tag, const char *text)
{
	wire_put_bytes(buffer, tag, text, strlen(text));
}

void wire_put_raw(struct wire_buffer *buffer, const void *data, size_t size)
{
	uint8_t *at = buffer_extend(buffer, size);

	if (at != NULL && size > 0)
		memcpy(at, data, size);
}

size_t wire_open(struct wire_buffer *buffer, uint16_t tag)
{
	put_header(buffer, tag, 0);
	return buffer->size;
}

void wire_close(struct wire_buffer *buffer, size_t opened)
{
	if (!buffer->failed)
		wire_store_u32(buffer->data + opened - 4, (uint32_t)(buffer->size - opened));
}

int wire_end(struct wire_buffer *buffer, struct error *err)
{
	if (buffer->failed) {
		buffer->failed = false;
		buffer->size = buffer->frame;
		return error_set(err, ENOMEM, "message");
	}
	size_t body = buffer->size - buffer->frame - WIRE_HEADER_SIZE;

	if (body > WIRE_MAX_BODY) {
		buffer->size = buffer->frame;
		return error_set(err, EMSGSIZE, "message of %zu bytes", body);
	}
	wire_store_u32(buffer->data + buffer->frame, (uint32_t)body);
	return 0;
}

void wire_begin_error(struct wire_buffer *buffer, const struct error *problem)
{
	wire_begin(buffer, WIRE_ERROR);
	wire_put_string(buffer, TAG_STEP, problem->step != NULL ? problem->step : "");
	wire_put_u32(buffer, TAG_ERRNO, (uint32_t)problem->number);
	if (problem->detail[0] != '\0')
		wire_put_string(buffer, TAG_DETAIL, problem->detail);
}

void wire_buffer_free(struct wire_buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct wire_buffer){ 0 };
}
