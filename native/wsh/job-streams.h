/* The descriptors between a job and the monitor: two pipes, or a pty. */
#ifndef WARDEN_WSH_JOB_STREAMS_H
#define WARDEN_WSH_JOB_STREAMS_H

#include "lib/error.h"
#include "wsh/run-request.h"
#include "wsh/wshd.h"

/* 4: stdout and stderr read ends, stdout and stderr write ends; 5: with the write end of an open input behind; 1: the pty's master. The order in which RUNNING carries them. */
enum { STREAMS_MAX = 5 };

struct job_streams {
	int input;                    /* the job's standard input: comes with RUN, or is an open one's read end, or the terminal */
	int output;
	int error;
	int passed[STREAMS_MAX];      /* what the monitor gets */
	size_t passed_count;
	bool terminal;
};

/* `input` is taken over (-1 for a terminal or an open input). On failure everything is closed. */
int job_streams_open(const struct wshd *wshd, const struct run_request *request, int input, struct job_streams *ret_streams, struct error *err);
/* Makes pipes for the next job like the last one's, where they are missing: to be called when nobody waits. */
void job_streams_prepare(void);
/* Closes all of wshd's copies; the job and the monitor have theirs. */
void job_streams_close(struct job_streams *streams);

#endif
