/* The create: a sequence of named steps, all undone when one fails. */
#ifndef WARDEN_MONITOR_CREATE_H
#define WARDEN_MONITOR_CREATE_H

#include "monitor/container.h"

/*
 * Reads CREATE from the launcher's socket, makes the container, answers OK and waits for the launcher's confirmation. On failure
 * nothing is left, and *err is for the launcher, unless that is gone (EPIPE).
 */
int create_run(int launcher, char *title, struct container *ret_container, struct error *err);

#endif
