/*
 * Reading and building the attributes and frames of wire.h.
 *
 * The reader never allocates and never reads outside of the body it was given; a wrong length, a wrong size of a number, or a NUL
 * within a string is EBADMSG. The builder grows one buffer; running out of memory is remembered and reported once by wire_end().
 */
#ifndef WARDEN_CODEC_H
#define WARDEN_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/wire.h"

struct wire_reader {
	const uint8_t *next;
	const uint8_t *end;
};

struct wire_attribute {
	uint16_t tag;
	uint32_t size;
	const uint8_t *data;
};

void wire_reader_init(struct wire_reader *reader, const void *body, size_t size);
/* The attributes nested in another one. */
void wire_reader_enter(struct wire_reader *reader, const struct wire_attribute *attribute);
/* 1: *ret_attribute is the next one; 0: no more; -1: malformed (EBADMSG). */
int wire_next(struct wire_reader *reader, struct wire_attribute *ret_attribute, struct error *err);

typedef int (*wire_read_function)(void *context, const struct wire_attribute *attribute, struct error *err);
/* Calls `read` for every attribute, in order, until it fails. Returns 0, or -1 with its error or EBADMSG. */
int wire_read_all(const void *body, size_t size, wire_read_function read, void *context, struct error *err);

int wire_u32(const struct wire_attribute *attribute, uint32_t *ret_value, struct error *err);
int wire_u64(const struct wire_attribute *attribute, uint64_t *ret_value, struct error *err);
/* A copy that ends in NUL, the caller's to free; what *ret_text held before is freed. At most max bytes. */
int wire_string(const struct wire_attribute *attribute, size_t max, char **ret_text, struct error *err);
/* The same into a buffer; size counts the NUL. */
int wire_string_into(const struct wire_attribute *attribute, char *ret_text, size_t size, struct error *err);

/* Vectors of strings that end in NULL, as execve wants them. */
struct wire_strings {
	char **items;       /* NULL when empty */
	size_t count;
};
int wire_strings_add(struct wire_strings *strings, const struct wire_attribute *attribute, size_t max_size, size_t max_count, struct error *err);
void wire_strings_free(struct wire_strings *strings);

struct wire_buffer {
	uint8_t *data;
	size_t size;
	size_t capacity;
	size_t frame;        /* where the frame being built begins */
	bool failed;
};

/* What follows needs no memory until so many bytes are in it. */
int wire_reserve(struct wire_buffer *buffer, size_t size, struct error *err);
/* Appends the header of a frame; several frames may stand in one buffer. */
void wire_begin(struct wire_buffer *buffer, uint16_t type);
void wire_put_u32(struct wire_buffer *buffer, uint16_t tag, uint32_t value);
void wire_put_u64(struct wire_buffer *buffer, uint16_t tag, uint64_t value);
void wire_put_string(struct wire_buffer *buffer, uint16_t tag, const char *text);
void wire_put_bytes(struct wire_buffer *buffer, uint16_t tag, const void *data, size_t size);
/* Body bytes without an attribute header (OUTPUT). */
void wire_put_raw(struct wire_buffer *buffer, const void *data, size_t size);
/* A nested attribute: everything put between the two calls is inside; nests to any depth. */
size_t wire_open(struct wire_buffer *buffer, uint16_t tag);
void wire_close(struct wire_buffer *buffer, size_t opened);
/* Completes the frame: ENOMEM when any call since wire_begin() ran out of memory, EMSGSIZE when it is too long. */
int wire_end(struct wire_buffer *buffer, struct error *err);
/* ERROR {STEP, ERRNO, DETAIL}, begun but not ended, so that REQUEST can be added. */
void wire_begin_error(struct wire_buffer *buffer, const struct error *problem);
void wire_buffer_free(struct wire_buffer *buffer);

/* Little-endian loads and stores at any alignment. */
uint16_t wire_load_u16(const uint8_t *from);
uint32_t wire_load_u32(const uint8_t *from);
uint64_t wire_load_u64(const uint8_t *from);
void wire_store_u32(uint8_t *to, uint32_t value);
void wire_store_u64(uint8_t *to, uint64_t value);

#endif
