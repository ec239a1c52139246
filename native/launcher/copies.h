/* COPY: the host's end of a copy is a process of its own (files/host-end.c), whose reports are passed on to wardend. */
#ifndef LAUNCHER_COPIES_H
#define LAUNCHER_COPIES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "launcher/launcher.h"

void copy_begin(struct launcher *launcher, uint32_t request, const void *body, size_t size);
/* Gives the copy of that request up; it is answered with ECANCELED, or as it ended. One that is not under way is no error. */
void copy_abandon(struct launcher *launcher, uint32_t copy);
/* A child of ours has ended. Returns whether it was one of these. */
bool copy_child_ended(struct launcher *launcher, pid_t pid, int status);
/* wardend is gone: all are given up. */
void copy_drop_all(struct launcher *launcher);

#endif
