/* What is in the /dev of every container. */
#ifndef WARDEN_DEVICE_NODES_H
#define WARDEN_DEVICE_NODES_H

#include "lib/error.h"

/* Nodes, links and the directories that something is mounted on, in an empty directory. Needs CAP_MKNOD. */
int device_nodes_make(int directory, struct error *err);

#endif
