/* One wardend per depot: flock(2) on DEPOT/lock, which holds the pid of the wardend that the lock is for. */
#ifndef LAUNCHER_LOCK_H
#define LAUNCHER_LOCK_H

#include <sys/types.h>

#include "lib/error.h"

/*
 * Returns the descriptor that holds the lock, or -1. A lock that is held although the wardend it is for is dead, or is our own, belongs to a
 * launcher that is about to exit: that is waited for, up to 5 s. EBUSY: *ret_owner is the pid in the file (0: none).
 */
int lock_take(const char *depot, pid_t owner, pid_t *ret_owner, struct error *err);

#endif
