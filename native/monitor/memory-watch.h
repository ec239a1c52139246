/*
 * The container's OOM watch (lib/oom-watch.h) in the monitor's loop. The first process that the OOM killer takes is told to every watcher
 * (EVENT_OUT_OF_MEMORY), those that come later included, and then nothing is watched any more: a container that is short of memory once is.
 */
#ifndef WARDEN_MONITOR_MEMORY_WATCH_H
#define WARDEN_MONITOR_MEMORY_WATCH_H

#include "monitor/monitor.h"

/* Nothing to do without a memory controller. */
int memory_watch_begin(struct monitor *monitor, struct error *err);
/* Looks without an event: before the end of PID 1 is told, which it may be the reason of. */
void memory_watch_look(struct monitor *monitor);
/* The same before the end of a job is told; the job says whether the container is out of memory. */
void memory_watch_job_ended(struct job *job);
/* Before the group is removed, which is an event too. */
void memory_watch_end(struct monitor *monitor);

#endif
