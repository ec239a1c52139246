/* Which processes are jobs, and what became of them. */
#ifndef WARDEN_WSH_REAPER_H
#define WARDEN_WSH_REAPER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/error.h"

/* At most as many jobs run at once. */
enum { REAPER_MAX_JOBS = 4096 };

/* ENOSPC when there are too many. Called before the job starts, so that starting cannot leave an unknown child. */
int reaper_reserve(struct error *err);
void reaper_add(pid_t pid, uint32_t job_id);

/* The process of a job that has not been collected yet, or 0. */
pid_t reaper_find(uint32_t job_id);

/*
 * Collects one dead child: 1 when it was a job (its id and wait status), 0 when it was another process, -1 with ECHILD when there is
 * no child left at all, -1 with EAGAIN when those there are live.
 */
int reaper_collect(uint32_t *ret_job_id, int *ret_status, struct error *err);

#endif
