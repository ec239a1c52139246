/* Events to the connections that WATCH. */
#ifndef WARDEN_MONITOR_EVENTS_H
#define WARDEN_MONITOR_EVENTS_H

#include "monitor/monitor.h"

void events_output_limit(struct monitor *monitor, const struct job *job);
void events_record_failed(struct monitor *monitor, const struct job *job, const struct error *problem);
void events_job_ended(struct monitor *monitor, const struct job *job);
void events_wshd_died(struct monitor *monitor, uint32_t status);
void events_rlimit_clamped(struct monitor *monitor, uint32_t job_id, uint32_t resource, uint64_t hard);

#endif
