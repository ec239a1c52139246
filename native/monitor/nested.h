/*
 * Containers in which a wardend can run (server.allow_nested_warden). They have namespaces, cgroups, limits, a link and a firewall like all others, but
 * their root is the host's root: no user namespace, every capability that wardend has, no system call filter and no no_new_privs, nothing
 * covered in /proc and /sys, which are writable, every device, in a /dev of their own, and on /sys/fs/cgroup their own cgroups.
 */
#ifndef WARDEN_MONITOR_NESTED_H
#define WARDEN_MONITOR_NESTED_H

#include "monitor/description.h"

/* On version 2: below the container's own group, for PID 1 and whatever is in no group of a job. */
#define NESTED_INIT_GROUP "init"

/* Replaces the shared, read-only tree by a writable one. In the child, which must have joined its cgroups. */
int nested_make_devices(int *dev, struct error *err);
/* On fs/cgroup of sysfs: each hierarchy by its controllers' names, or version 2 alone in their place. In the child's own cgroup namespace. */
int nested_mount_cgroups(int sys, const struct description *description, struct error *err);
/* Removes the groups below one, which were made in the container; what is still in use stays. */
void nested_remove_groups(int group);

#endif
