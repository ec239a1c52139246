/*
 * Frames over a stream socket, with descriptors beside them (SCM_RIGHTS).
 *
 * Input is incremental: stream_fill() takes what the socket has, stream_next() cuts frames out of it. Memory grows with the bytes
 * that really came, never with the length a header announces, and goes back when the buffer runs empty. Descriptors queue up in the
 * order of their arrival; the reader of a frame takes those that belong to it.
 * Output queues up in a wire_buffer; stream_flush() writes what the socket takes.
 */
#ifndef WARDEN_STREAM_H
#define WARDEN_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "lib/codec.h"
#include "lib/error.h"

struct stream_input {
	uint8_t *data;
	size_t start;
	size_t end;
	size_t capacity;
	size_t max_body;     /* 0: WIRE_MAX_BODY */
	int *fds;
	size_t fd_count;
	size_t fd_limit;     /* descriptors beyond this are closed and the stream fails */
};

struct frame {
	uint16_t type;
	const uint8_t *body;   /* valid until the next stream_fill() */
	size_t size;
};

/* 1: some bytes came; 0: end of file; -1: error, EAGAIN when there is nothing now. */
int stream_fill(struct stream_input *input, int fd, struct error *err);
/* 1: a whole frame; 0: not yet; -1: malformed or too long (EBADMSG, EMSGSIZE). */
int stream_next(struct stream_input *input, struct frame *ret_frame, struct error *err);
/* Whether stream_next() has something to say without more bytes. */
bool stream_has_frame(const struct stream_input *input);
/* The first queued descriptor, now the caller's, or -1. */
int stream_take_fd(struct stream_input *input);
void stream_input_free(struct stream_input *input);

/* The next whole frame, waited for: 1, 0 at end of file between frames, or -1. Works on blocking and non-blocking sockets. */
int stream_read_frame(struct stream_input *input, int fd, int64_t deadline, struct frame *ret_frame, struct error *err);

/* Writes queued bytes from *position; 1 when all is written (the buffer is empty again), 0 when the socket is full, -1 on error. */
int stream_flush(int fd, struct wire_buffer *buffer, size_t *position, struct error *err);
/* The whole buffer, with descriptors beside its first byte (at most 250 of them). */
int stream_send(int fd, const struct wire_buffer *buffer, const int *fds, size_t fd_count, int64_t deadline, struct error *err);

/* One packet of a SOCK_SEQPACKET socket with its descriptors. *ret_size 0: the other end closed. EAGAIN as usual. */
int packet_receive(int fd, void *ret_data, size_t size, size_t *ret_size, int *ret_fds, size_t fd_limit, size_t *ret_fd_count, struct error *err);
/* Waits for room until the deadline. */
int packet_send(int fd, const void *data, size_t size, const int *fds, size_t fd_count, int64_t deadline, struct error *err);

#endif
