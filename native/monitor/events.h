/*
 * Events to the connections that WATCH. What happened while nobody watched is not lost: the container's events, of which there are few
 * different ones, are kept and told to every later watcher first; what happened to a job is known from the job itself (LIST), and that PID 1
 * is dead from the monitor.
 */
#ifndef WARDEN_MONITOR_EVENTS_H
#define WARDEN_MONITOR_EVENTS_H

#include "monitor/monitor.h"

void events_output_limit(struct monitor *monitor, const struct job *job);
void events_job_timed_out(struct monitor *monitor, const struct job *job);
/* Its record_errno tells why. */
void events_record_failed(struct monitor *monitor, const struct job *job);
void events_job_ended(struct monitor *monitor, const struct job *job);
void events_wshd_died(struct monitor *monitor);
void events_out_of_memory(struct monitor *monitor);
void events_rlimit_clamped(struct monitor *monitor, uint32_t job_id, uint32_t resource, uint64_t hard);
/* Answers WATCH: OK, and all that earlier watchers were told and a new one has to know. */
void events_begin_watch(struct connection *connection);

#endif
