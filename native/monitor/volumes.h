/* The trees of TAG_MOUNT, made ready to be attached by the container's child. */
#ifndef WARDEN_MONITOR_VOLUMES_H
#define WARDEN_MONITOR_VOLUMES_H

#include "lib/error.h"
#include "monitor/description.h"

/* Maps every tree; a read-only directory is replaced by an overlay over it. The descriptors stay the caller's to close. */
int volumes_prepare(int *trees, const struct description *description, int user_namespace, struct error *err);

#endif
