/*
 * Standard input that stays open: what INPUT requests carry goes to the job's pipe or terminal.
 *
 * The monitor never waits for a job that does not read: a request that finds no room keeps its bytes in its connection's buffer, and is answered when
 * all of them have been taken. Requests of several connections stand in a queue, so each arrives whole. When the job ends the monitor's end is
 * closed, whoever else still reads, and those that wait get EPIPE.
 */
#ifndef WARDEN_MONITOR_INPUT_H
#define WARDEN_MONITOR_INPUT_H

#include "monitor/monitor.h"

#define INPUT_MAX_CONTENT (1u << 20)

/* No input: of a job that has just been made. */
void input_init(struct job *job);
/* The write end of its pipe, or its terminal's master; taken over, also on failure. */
int input_attach(struct job *job, int fd, struct error *err);
/* Puts the request at the end of the queue; `content` lies in the connection's input. EINVAL: the job has no open input. EPIPE: it is closed. */
int input_give(struct connection *connection, struct job *job, const struct wire_attribute *content, bool close, struct error *err);
/* The connection goes away: what it has not given yet is given up. */
void input_abandon(struct connection *connection);
/* The job is over. */
void input_end(struct job *job);
/* TIOCSWINSZ; EINVAL: it has no terminal. */
int input_resize(struct job *job, uint32_t rows, uint32_t columns, struct error *err);

#endif
