/*
 * The container's cgroups.
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

/*
 * Takes over parents, one descriptor per group, and makes those groups that the container's first process is born in, of v2. On failure call cgroups_remove(), too,
 * as after the following.
 */
int cgroups_begin(struct cgroups *cgroups, const struct description *description, int *parents, struct error *err);
/* Makes the others. A thread may do it: it touches nothing that cgroups_v2_directory() reads. */
int cgroups_make(struct cgroups *cgroups, const struct description *description, struct error *err);
/* Of the v1 groups, for cgroups_join(); room for DESCRIPTION_MAX_CGROUPS. Returns how many. */
size_t cgroups_list_tasks(const struct cgroups *cgroups, int *ret_tasks);
/* In the child: joins the v1 groups, by descriptors in the order of the description. */
int cgroups_join(const struct description *description, const int *tasks, size_t count, struct error *err);
/* The directory for CLONE_INTO_CGROUP, or -1. */
int cgroups_v2_directory(const struct cgroups *cgroups);
/* The directory of one of them, where its processes of no job are; -1 with errno. */
int cgroups_open_own(const struct cgroups *cgroups, const struct cgroup *cgroup);
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

#endif
