/*
 * What of a create a thread makes, while the monitor makes the namespaces: cgroups of version 1, whose making nothing of a clone waits for, and then the disk's part.
 * Until it is finished it alone touches the directories, and until groundwork_await_cgroups() the cgroups; the child, which is cloned meanwhile, gets by without
 * allocating memory, whose lock may be held at that moment.
 */
#ifndef WARDEN_MONITOR_GROUNDWORK_H
#define WARDEN_MONITOR_GROUNDWORK_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>

#include "lib/error.h"
#include "monitor/cgroup.h"
#include "monitor/description.h"
#include "monitor/upper.h"

/* One of the two parts. What has not been begun has failed. */
struct groundwork_part {
	int result;
	struct error err;
};

struct groundwork {
	pthread_t thread;
	bool running;
	bool awaited;
	sem_t cgroups_made;
	struct groundwork_part cgroups_part;
	struct groundwork_part layers_part;
	struct cgroups *cgroups;
	struct container_directories *directories;
	const struct description *description;
	const int *lowers;
};

/* The cgroups after cgroups_begin(); upper and work directory, and the upper layer's files. */
int groundwork_start(struct groundwork *groundwork, struct cgroups *cgroups, struct container_directories *directories, const struct description *description, const int *lowers, struct error *err);
/* Waits for the cgroups. Once more is no error. The launcher watches the create's deadline: it ends a monitor that waits here for ever. */
int groundwork_await_cgroups(struct groundwork *groundwork, struct error *err);
/* Waits for all. Once more is no error. */
int groundwork_finish(struct groundwork *groundwork, struct error *err);

#endif
