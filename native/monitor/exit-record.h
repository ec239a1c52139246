/*
 * jobs/ID.exit: how a job ended that nobody followed to its end, for whoever looks when the monitor is gone. One line, "VERSION KIND VALUE BYTES\n": version 1, EXIT_* and its value
 * as in wire.h, and the bytes of output.
 */
#ifndef WARDEN_MONITOR_EXIT_RECORD_H
#define WARDEN_MONITOR_EXIT_RECORD_H

#include "monitor/monitor.h"

/* A full disk costs the file, not the record: that is in memory, and this file only for the case that the monitor is gone. So a
 * failure is told (EVENT_RECORD_FAILED), and the job ends as it did. */
int exit_record_write(const struct job *job, struct error *err);
void exit_record_remove(struct job *job);

/* How a job ended, as EXIT, JOB and EVENT carry it. */
void exit_record_put(struct wire_buffer *buffer, const struct job *job);

#endif
