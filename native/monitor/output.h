/*
 * From a job's pipes to its spool and its followers, in the order of writing.
 *
 * Each pipe begins with one slot in packet mode: a second write to it waits until the first was taken, so at most one write of each
 * stream is pending, and epoll, edge-triggered, names the pipes in the order in which they were written to. A stream that has had 64 KiB in
 * a row becomes a plain pipe of 1 MiB for throughput, until the other one gets something: what it was behind with is taken before that, and then it goes
 * back to one packet at a time. Only what was written to both while the plain one was full of unread bytes cannot be told apart.
 *
 * Where nobody gets the bytes (of a job that is over or whose output is discarded) the pipes are plain, and emptied at most every 10 ms: a process that
 * writes for ever costs little.
 *
 * A job with a terminal has that instead of the first pipe. What comes from its master is all stdout, and it is closed at the job's end.
 */
#ifndef WARDEN_MONITOR_OUTPUT_H
#define WARDEN_MONITOR_OUTPUT_H

#include "monitor/monitor.h"

/* The epoll that all pipes are in. */
int output_init(struct monitor *monitor, struct error *err);
/* fds: read end of stdout, of stderr, write ends of both, or of a job that has one the terminal's master; taken over. */
int output_attach(struct job *job, int *fds, struct error *err);
/* Takes all that is there, in order: before an exit record is written. */
void output_drain(struct job *job);
/* After the exit: what background processes write is read and dropped; pipes without writers are closed. */
void output_end(struct job *job);
bool output_is_open(const struct job *job);
void output_detach(struct job *job);

#endif
