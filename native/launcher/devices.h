/*
 * Which devices the processes of containers may open: rules set once on the parent of all containers' groups, inherited by each.
 * Reading and writing the nodes of device-tree.c and pseudo terminals; no making of nodes.
 */
#ifndef LAUNCHER_DEVICES_H
#define LAUNCHER_DEVICES_H

#include "lib/error.h"

/* v1: devices.deny and devices.allow of the group. Once children exist the kernel takes no such change; equal rules are left alone. */
int devices_allow_v1(const char *group, struct error *err);

/* v2: a BPF_PROG_TYPE_CGROUP_DEVICE program, which replaces the one of an earlier launcher and stays with the group. */
int devices_allow_v2(const char *group, struct error *err);

#endif
