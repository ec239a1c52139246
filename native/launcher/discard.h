/* Removing what wardend has moved away, in processes of their own: a container's files may be millions. */
#ifndef LAUNCHER_DISCARD_H
#define LAUNCHER_DISCARD_H

#include <stddef.h>
#include <stdint.h>

#include "launcher/launcher.h"

enum { DISCARD_MAX_UNDER_WAY = 16, DISCARD_MAX_NAMES = 1024 };

/* A DISCARD message: {PATH of a directory, NAME of an entry of it, repeated}. Answered when they are gone, or with the first of what could not be removed. */
void discard_begin(struct launcher *launcher, uint32_t request, const void *body, size_t size);

#endif
