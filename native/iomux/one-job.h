/*
 * iomux-spawn as a monitor of one job. output.c, spool.c, follow.c, connection.c and loop.c are the monitor's own; what they call in jobs.c and requests.c of
 * a monitor is here, for a job that is a process of ours, and for clients that may only follow it and forget it.
 */
#ifndef WARDEN_IOMUX_ONE_JOB_H
#define WARDEN_IOMUX_ONE_JOB_H

#include "iomux/directory.h"
#include "iomux/program.h"
#include "monitor/monitor.h"

/* The id that links name. */
enum { THE_JOB = 1 };

struct one_job {
	struct monitor monitor;
	struct job job;
	struct meeting_place place;
	struct program program;
	struct source executed;
	bool given_up;
};

/* The directory is open. `fds`: of program_start(), taken over. */
int one_job_init(struct one_job *one, int fds[4], uint64_t output_limit, struct error *err);
/* Lets the program run, if it waits. */
void one_job_begin(struct one_job *one);
/* A signal ends it all: nobody has to be waited for any more. */
void one_job_give_up(struct one_job *one);
/* Somebody has got everything, and so has everybody who came meanwhile. */
bool one_job_is_finished(const struct one_job *one);
void one_job_remove(struct one_job *one);

#endif
