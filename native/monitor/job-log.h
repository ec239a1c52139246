/* A job's output as lines to syslog, under the tag that its request gave. */
#ifndef WARDEN_MONITOR_JOB_LOG_H
#define WARDEN_MONITOR_JOB_LOG_H

#include "lib/stream.h"
#include "monitor/monitor.h"

/* Reads LOG_TAG and TIME_ZONE of a SPAWN; without a LOG_TAG the job has no log. */
int job_log_open(struct job *job, const struct frame *frame, struct error *err);
/* What was written to one of the job's streams; nothing happens for a job without a log. */
void job_log_output(struct job *job, uint32_t stream, const uint8_t *data, size_t size);
/* The job is over: lines without a newline are sent as they are. */
void job_log_close(struct job *job);

#endif
