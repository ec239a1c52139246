/* Starting one job. */
#ifndef WARDEN_WSH_JOB_H
#define WARDEN_WSH_JOB_H

#include <sys/types.h>

#include "wsh/job-streams.h"
#include "wsh/run-request.h"
#include "wsh/wshd.h"

/* Resource limits that had to stay below what was asked for, because no one here may raise a hard limit. */
struct job_clamps {
	struct run_rlimit limits[RUN_MAX_RLIMITS];
	size_t count;
};

/*
 * Returns when the job's program was executed, or with the step that failed and its errno. `cgroup` is a descriptor of the job's
 * `tasks` or `cgroup.procs`, or -1.
 */
int job_start(const struct wshd *wshd, const struct run_request *request, const struct job_streams *streams, int cgroup, pid_t *ret_pid,
	      struct job_clamps *ret_clamps, struct error *err);

#endif
