/*
 * A monitor that waits for its container. Starting one takes longer than anything else of the launcher's part of a create, and needs to know nothing
 * of the container, so it is done while there is nothing else to do.
 */
#ifndef LAUNCHER_SPARE_H
#define LAUNCHER_SPARE_H

#include "launcher/launcher.h"

/* Starts one when there is none, no create is under way, and none has died since the last one. That it cannot be started is the next create's matter. */
void spare_prepare(struct launcher *launcher);

/* Returns whether there was one; it is the caller's now. */
bool spare_take(struct launcher *launcher, pid_t *ret_pid, int *ret_socket);

/* A child of ours has ended. Returns whether it was this one. */
bool spare_ended(struct launcher *launcher, pid_t pid);

#endif
