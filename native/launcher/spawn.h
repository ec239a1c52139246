/* Starting a monitor: vfork and exec, in the minimal mount namespace, in a session of its own, with one socket. */
#ifndef LAUNCHER_SPAWN_H
#define LAUNCHER_SPAWN_H

#include <sys/types.h>

#include "lib/error.h"

/* What stands in a monitor's command line until it has a container, whose id it puts there. */
#define MONITOR_WITHOUT_CONTAINER "spare                   "

/* Descriptor 3 of the monitor is the other end of *ret_socket, a non-blocking stream. */
int spawn_monitor(int program, int minimal_mounts, pid_t *ret_pid, int *ret_socket, struct error *err);

#endif
