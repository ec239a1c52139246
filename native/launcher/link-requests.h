/* Requests about links of containers, which are there or have outlived them. */
#ifndef LAUNCHER_LINK_REQUESTS_H
#define LAUNCHER_LINK_REQUESTS_H

#include "launcher/launcher.h"

enum { LINK_REMOVALS_UNDER_WAY = 64 };

/* READ_LINK {HOST_NAME}: answered with what it has carried. */
void read_link_serve(struct launcher *launcher, uint32_t request, const void *body, size_t size);

/*
 * REMOVE_LINK {HOST_NAME, LINK_INDEX}: answered when there is no interface with both any more. One of that name with another number is the next container's, and stays.
 *
 * For links that outlive their container. The kernel takes a link away with its network namespace, and that is there until the last of its sockets is:
 * one whose peer does not acknowledge the end of a connection is kept for minutes.
 */
void remove_link_begin(struct launcher *launcher, uint32_t request, const void *body, size_t size);

#endif
