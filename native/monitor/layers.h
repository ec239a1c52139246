/*
 * The disk's part of a create, by a thread, while the monitor makes cgroups and namespaces, which takes longer. Until it is finished it alone
 * touches the directories; the child, which is cloned meanwhile, gets by without allocating memory, whose lock may be held at that moment.
 */
#ifndef WARDEN_MONITOR_LAYERS_H
#define WARDEN_MONITOR_LAYERS_H

#include <pthread.h>
#include <stdbool.h>

#include "lib/error.h"
#include "monitor/description.h"
#include "monitor/upper.h"

struct layers {
	pthread_t thread;
	bool running;
	int result;
	struct error err;
	struct container_directories *directories;
	const struct description *description;
	const int *lowers;
};

/* Upper and work directory, and the upper layer's files. */
int layers_start(struct layers *layers, struct container_directories *directories, const struct description *description, const int *lowers, struct error *err);
/* Waits for it. Once more is no error. */
int layers_finish(struct layers *layers, struct error *err);

#endif
