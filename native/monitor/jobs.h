/*
 * The table of jobs, from the request to the exit record.
 *
 * Pending (RUN not sent yet), starting (sent), started (RUNNING came), over (exit record written). A job leaves the table when
 * it is over and forgotten, nobody follows it, its pipes are closed, and its cgroup is removed.
 */
#ifndef WARDEN_MONITOR_JOBS_H
#define WARDEN_MONITOR_JOBS_H

#include "monitor/monitor.h"

/* Between two passes over the processes of a job that is being killed. */
#define KILL_INTERVAL_MS 5

/* NULL when there is none, or it was forgotten. */
struct job *jobs_find(struct monitor *monitor, uint32_t id);
/* A new, pending job with its cgroup; EEXIST, ENOSPC. */
struct job *jobs_add(struct monitor *monitor, uint32_t id, struct error *err);
/* Gives up a job that never ran. */
void jobs_discard(struct job *job);
/* Sends RUN packets as long as wshd has few unanswered ones and room in its socket; the rest follows when it has again. */
void jobs_send_pending(struct monitor *monitor);

/* wshd has answered a RUN packet, in whatever way. */
void jobs_answered(struct monitor *monitor);
/* wshd's answers. pid: in the container. fds: four of the pipes and one of an open input, or one terminal; what is used of them is taken over. */
void jobs_running(struct job *job, uint32_t pid, int *fds, size_t fd_count);
void jobs_failed(struct job *job, const struct error *problem);
/* Drains the output, writes the exit record, tells everybody. last: no process of the container is left but PID 1. */
void jobs_end(struct job *job, uint32_t exit_kind, uint32_t exit_value, bool last);
/* Its output has gone over the limit: every process of it dies. */
void jobs_exceeded(struct job *job);
/* It has run for its time-out: every process of it dies. */
void jobs_time_out(struct job *job);
/* Signals every process of the job, for SIGKILL until none is left; of one without a group of its own the process group. */
int jobs_signal(struct job *job, int signal, struct error *err);

void jobs_forget(struct job *job);
/* Frees what nobody needs any more; any job may be passed at any time. */
void jobs_release(struct job *job);
/* PID 1 is dead: whatever runs or waits is lost. */
void jobs_lose_all(struct monitor *monitor);
/* Tries again to remove the cgroups of jobs that are over; true when none is left. */
bool jobs_remove_groups(struct monitor *monitor);
/* The groups of jobs get their names, and there is one for the next job. */
void jobs_prepare_next(struct monitor *monitor);
/* Kills, time-outs, and deadlines of starting jobs. Returns when it wants to be called again, 0: not before something happens. */
int64_t jobs_tick(struct monitor *monitor);

#endif
