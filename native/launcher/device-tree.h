/* The /dev that all containers share, read-only. */
#ifndef LAUNCHER_DEVICE_TREE_H
#define LAUNCHER_DEVICE_TREE_H

#include "lib/error.h"

/* A tmpfs on `path` with the device nodes, links and mount points of a container's /dev; its superblock is read-only at the end. */
int device_tree_make(const char *path, struct error *err);

#endif
