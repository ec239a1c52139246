/*
 * What the upper layer needs for disk limits by the quotas of its file system, before anything is written to it.
 *
 * A project for each container: a number that upper/ and work/ have, and hand on to all that is made in them; one for both, because a rename from one to the other
 * asks for that. It is derived from the inode number of upper/, so that nobody has to keep a list, and files of an earlier container that are still being
 * removed have another. Users: the limits that an earlier container with these ids has left are taken away.
 */
#ifndef WARDEN_MONITOR_LAYER_QUOTA_H
#define WARDEN_MONITOR_LAYER_QUOTA_H

#include "lib/error.h"
#include "monitor/description.h"
#include "monitor/upper.h"

/* After directories_make_layers(). Errors: those of quota.h; EDQUOT when no project is free. */
int layer_quota_prepare(const struct container_directories *directories, const struct description *description, struct error *err);

#endif
