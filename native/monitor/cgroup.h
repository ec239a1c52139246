/*
 * The container's cgroups and the groups of its jobs.
 *
 * On v1 a process joins by writing 0 to `tasks` itself: only for that the kernel skips its global lock, whose wait is an RCU grace
 * period (kernel/cgroup/cgroup.c, cgroup_procs_write_start). On v2 the container's PID 1 is born in its group (CLONE_INTO_CGROUP).
 */
#ifndef WARDEN_MONITOR_CGROUP_H
#define WARDEN_MONITOR_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "lib/error.h"
#include "lib/oom-watch.h"
#include "monitor/description.h"

struct cgroup {
	char *name;         /* last component of its path */
	int parent;         /* O_PATH directory */
	int directory;
	int tasks;          /* v1: open for writing until the child has joined; else -1 */
	uint32_t version;
	bool made;
};

struct cgroups {
	struct cgroup items[DESCRIPTION_MAX_CGROUPS];
	size_t count;
	struct stat pid_namespace;   /* the container's: only processes in it are ever signalled */
	int memory;         /* index of the group with the memory controller, or -1 */
	int job_parent;     /* index of the group that holds the jobs' groups, or -1 */
	bool nested;        /* the container makes groups below its own */
};

/* Makes every group and writes its settings. parents: one descriptor per group, taken over. On failure call cgroups_remove() too. */
int cgroups_make(struct cgroups *cgroups, const struct description *description, int *parents, struct error *err);
/* In the child: joins the v1 groups. */
int cgroups_join(const struct cgroups *cgroups, struct error *err);
/* The directory for CLONE_INTO_CGROUP, or -1. */
int cgroups_v2_directory(const struct cgroups *cgroups);
/* The same for a process that comes later: a descriptor of its own for CLONE_INTO_CGROUP, or -1 with errno; and what that process does for the v1 groups. */
int cgroups_open_v2(const struct cgroups *cgroups);
int cgroups_join_later(const struct cgroups *cgroups, struct error *err);
/* Watches the group with the memory controller; none: *ret_watch watches nothing. To be called once. */
int cgroups_watch_memory(struct cgroups *cgroups, struct oom_watch *ret_watch, struct error *err);
void cgroups_close_tasks(struct cgroups *cgroups);
/* Removes what was made; 0 when all is gone, -1 with err (EBUSY: a process is still leaving, try again). */
int cgroups_remove(struct cgroups *cgroups, struct error *err);
/* The same, tried again every millisecond until the deadline: v1 has no event for an empty group. */
int cgroups_remove_until(struct cgroups *cgroups, int64_t deadline, struct error *err);

/* Remembers the PID namespace of the container's PID 1, which must not be reaped yet. */
int cgroups_know_init(struct cgroups *cgroups, pid_t init, struct error *err);

struct job_group {
	int directory;      /* -1: there is none */
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
/* Signals every process of the group; for SIGKILL none can fork away meanwhile. Returns how many there were, or -1. */
int job_group_signal(const struct cgroups *cgroups, const struct job_group *group, int signal, struct error *err);
/* Kills those of the group that somebody has stopped. */
void job_group_kill_stopped(const struct cgroups *cgroups, const struct job_group *group);
/* Kills those that have not joined their job's group yet: children of PID 1 on their way to their program. */
void job_groups_kill_unjoined(const struct cgroups *cgroups, pid_t init, bool only_stopped);
/* 0: removed, or there is none; -1: EBUSY and the like. */
int job_group_remove(const struct cgroups *cgroups, struct job_group *group, struct error *err);

#endif
