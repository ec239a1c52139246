/*
 * Which devices the processes of containers may open: rules set once on the parent of all containers' groups, inherited by each.
 * Reading and writing the nodes of lib/device-nodes.c and pseudo terminals; no making of nodes. all: everything with every device, for nested containers.
 */
#ifndef LAUNCHER_DEVICES_H
#define LAUNCHER_DEVICES_H

#include <stdbool.h>

#include "lib/error.h"

/* v1: devices.deny and devices.allow of the group. Once children exist the kernel takes no such change; equal rules are left alone. */
int devices_allow_v1(const char *group, bool all, struct error *err);

/* v2: a BPF_PROG_TYPE_CGROUP_DEVICE program, which replaces the one of an earlier launcher and stays with the group; for all devices none. */
int devices_allow_v2(const char *group, bool all, struct error *err);

#endif
