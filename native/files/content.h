/* Bytes of files and archives on a transfer's connection: CONTENT frames, and CONTENT_END. */
#ifndef WARDEN_FILES_CONTENT_H
#define WARDEN_FILES_CONTENT_H

#include <sys/types.h>

#include "files/transfer.h"

enum { CONTENT_CHUNK = 256 << 10, CONTENT_MAX_FRAME = 1 << 20 };

/* What the client sends: */
struct content_input {
	const struct transfer *transfer;
	size_t begin, end;      /* what of the buffer has not been given out */
	size_t body_left;       /* of the frame's body, from `begin` on */
	bool ended;             /* CONTENT_END has come */
	const uint8_t *piece;   /* of content_take(): what it has not given out yet */
	size_t piece_size;
	uint64_t total;         /* bytes that were given out */
	uint8_t buffer[CONTENT_CHUNK];
};

void content_input_init(struct content_input *input, const struct transfer *transfer);
/*
 * What has come of the content, 1 to CONTENT_CHUNK bytes, which need not be those of one frame: *ret_data is valid until the next call. 1; 0: the end; -1: EPIPE
 * the client has gone, ETIMEDOUT it is silent, EBADMSG, EMSGSIZE.
 */
int content_read(struct content_input *input, const uint8_t **ret_data, size_t *ret_size, struct error *err);
/* Up to `size` bytes of it in the caller's memory, as tar/tar-reader.h takes them: `context` is the struct content_input. Instead of content_read(). */
ssize_t content_take(void *context, void *ret_data, size_t size, struct error *err);

/* And what it is sent: a buffer whose bytes go out in frames. */
struct content_output {
	const struct transfer *transfer;
	size_t used;
	uint64_t total;         /* bytes that were put in */
	uint8_t frame[WIRE_HEADER_SIZE + CONTENT_CHUNK];
};

void content_output_init(struct content_output *output, const struct transfer *transfer);
/* Room in the frame, which content_output_add() then counts as filled; never 0 bytes. */
uint8_t *content_output_room(struct content_output *output, size_t *ret_size);
int content_output_add(struct content_output *output, size_t size, struct error *err);
int content_output_put(struct content_output *output, const void *data, size_t size, struct error *err);
/* What is left in the frame. */
int content_output_flush(struct content_output *output, struct error *err);
/* The same, and CONTENT_END. */
int content_output_end(struct content_output *output, struct error *err);

#endif
