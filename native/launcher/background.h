/* Work that takes longer than others should wait for, each in a process of its own. Its end is an answer to the request. */
#ifndef LAUNCHER_BACKGROUND_H
#define LAUNCHER_BACKGROUND_H

#include <stdint.h>
#include <sys/types.h>

#include "launcher/launcher.h"

/* What the process does. It holds nothing of the launcher's but `descriptor`. 0, or what went wrong is in *err. */
typedef int (*background_work)(int descriptor, const void *order, struct error *err);

struct background_task {
	const char *step;     /* of errors */
	int niceness;         /* of the process, which is below the launcher's own */
	size_t max_under_way; /* of this step */
	int descriptor;       /* -1: none; stays the caller's */
	background_work work;
	const void *order;
};

/* Returns 0 when it runs, or -1 (EAGAIN: there is too much of it). */
int background_start(struct launcher *launcher, uint32_t request, const struct background_task *task, struct error *err);

/* A child of ours has ended. Returns whether it was one of these. */
bool background_child_ended(struct launcher *launcher, pid_t pid, int status);

/* wardend is gone: the processes finish what they are at, and nobody is told. */
void background_drop_all(struct launcher *launcher);

#endif
