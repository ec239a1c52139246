/* Requests about the bandwidth of containers' links. */
#ifndef LAUNCHER_SHAPE_REQUESTS_H
#define LAUNCHER_SHAPE_REQUESTS_H

#include "launcher/launcher.h"

enum { UNSHAPE_MAX_UNDER_WAY = 256 };

/* SHAPE {HOST_NAME, IFB_NAME, ALIAS?, MTU, RATE, BURST}: sets the limit and answers as READ_SHAPE does. */
void shape_begin(struct launcher *launcher, uint32_t request, const void *body, size_t size);

/* READ_SHAPE {HOST_NAME, IFB_NAME, MTU}: answered with what the kernel has. */
void shape_read_begin(struct launcher *launcher, uint32_t request, const void *body, size_t size);

/* UNSHAPE {HOST_NAME?, IFB_NAME}: answered when the ifb is gone. With HOST_NAME the host end, which stays, is as it was without a limit. */
void unshape_begin(struct launcher *launcher, uint32_t request, const void *body, size_t size);

#endif
