/*
 * One end's side of the connection between the two ends of a copy: frames with descriptors, and waits that end when the other end goes, when it is
 * silent for too long, or when whoever ordered the copy gives up.
 */
#ifndef WARDEN_FILES_CHANNEL_H
#define WARDEN_FILES_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/codec.h"
#include "lib/stream.h"

struct channel {
	int connection;               /* the caller's, non-blocking */
	int control;                  /* of the host's end: ready for reading when the copy is given up; -1: there is none */
	const char *other_end;        /* step of what the other end says went wrong there; NULL: this end's own */
	unsigned int turns;           /* frames that were sent or waited for since control was looked at */
	uint64_t heard;               /* frames of the other end */
	struct stream_input input;
	struct wire_buffer output;    /* the frame that is being built */
	/* What comes while something else is waited for. NULL: it stays in the socket until channel_receive(). */
	int (*incoming)(void *context, const struct frame *frame, struct error *err);
	void *context;
};

int channel_init(struct channel *channel, int connection, int control, struct error *err);
void channel_free(struct channel *channel);

/* Ends the frame in channel->output and sends it, with a descriptor if there is one (-1: none; stays the caller's). */
int channel_send(struct channel *channel, int fd, struct error *err);
/* The next frame, waited for; the end of the connection is EPIPE. A WIRE_ERROR is returned as this end's own error. */
int channel_receive(struct channel *channel, struct frame *ret_frame, struct error *err);
/* Takes what has come to `incoming`, without waiting. */
int channel_poll(struct channel *channel, struct error *err);
/* ECANCELED: the copy was given up, which the container's end knows by the end of the other one. Does not wait. */
int channel_check(struct channel *channel, struct error *err);

#endif
