/* The group that holds the processes of one job, below the container's own, so that they can be signalled as a whole. */
#ifndef WARDEN_MONITOR_JOB_GROUP_H
#define WARDEN_MONITOR_JOB_GROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/error.h"
#include "monitor/cgroup.h"

struct job_group {
	int directory;      /* -1: there is none */
	bool frozen;        /* has been, to kill what is in it */
	char name[24];
};

/* Makes the job's group and opens the file its process joins by, *ret_join; both are -1 when the container has no group for jobs. */
int job_group_make(const struct cgroups *cgroups, uint32_t job_id, struct job_group *ret_group, int *ret_join, struct error *err);
/* A group that becomes a job's by job_group_rename(), where the kernel can rename: in version 1. Else ENOTSUP. */
int job_group_prepare(const struct cgroups *cgroups, struct job_group *ret_group, int *ret_join, struct error *err);
/* Whether it has that group's name still. */
bool job_group_is_prepared(const struct job_group *group);
/* 0, or -1: it has kept its name. */
int job_group_rename(const struct cgroups *cgroups, struct job_group *group, uint32_t job_id);
/* That of a job that is over, with no process left, becomes one like job_group_prepare()'s; join: the file its process joined by, or -1. -1: it has not changed. */
int job_group_reuse(const struct cgroups *cgroups, struct job_group *group, int *join);
/* Signals every process of the group; for SIGKILL none can fork away meanwhile. Returns how many there were, or -1. */
int job_group_signal(const struct cgroups *cgroups, struct job_group *group, int signal, struct error *err);
/* Kills those of the group that somebody has stopped. */
void job_group_kill_stopped(const struct cgroups *cgroups, const struct job_group *group);
/* Kills those that have not joined their job's group yet: children of PID 1 on their way to their program. */
void job_groups_kill_unjoined(const struct cgroups *cgroups, pid_t init, bool only_stopped);
/* 0: removed, or there is none; -1: EBUSY and the like. */
int job_group_remove(const struct cgroups *cgroups, struct job_group *group, struct error *err);

#endif
