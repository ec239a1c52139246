/*
 * The pipe that a job's stream begins with: one slot, in packet mode, so that at most one write is pending and whoever reads two of them sees in which
 * order they were written to (docs/native.md, Output).
 */
#ifndef WARDEN_PACKET_PIPE_H
#define WARDEN_PACKET_PIPE_H

#include "lib/error.h"

/* ends[0] is read, ends[1] written; both -1 or the caller's, also on failure. */
int packet_pipe_open(int ends[2], struct error *err);

#endif
