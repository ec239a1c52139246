/*
 * The container's mounts, held while PID 1 dies. The last process that has a mount namespace takes it apart before it counts as dead, and waits for
 * expedited grace periods of RCU in between: one for the namespace and one for each overlay. Held here they are in nobody's way: a thread lets go of them when
 * PID 1 is dead, while the cgroups are removed.
 */
#ifndef WARDEN_MONITOR_HELD_MOUNTS_H
#define WARDEN_MONITOR_HELD_MOUNTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/error.h"

struct held_mounts {
	pthread_t thread;
	bool running;
	int namespace;
	int pidfd;          /* the thread's own */
	int over;           /* an eventfd: the thread has let go of them */
	int64_t deadline;
};

/* Before PID 1 is killed. What cannot be held goes with PID 1, a little later. */
void held_mounts_take(struct held_mounts *held, int pidfd, pid_t pid, int64_t deadline);
/* After that: from now on its death is waited for, until the deadline. */
void held_mounts_release_at_death(struct held_mounts *held);
/*
 * Waits until they are gone, unless PID 1 lives: one on a file system that answers nobody is not waited for any longer than the deadline. Once more is no error.
 */
int held_mounts_finish(struct held_mounts *held, int64_t deadline, struct error *err);

#endif
