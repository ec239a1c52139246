/*
 * The two mount namespaces that a create needs.
 *
 * The launcher stays in wardend's, where the sources of mounts are opened: a copy of it, even a slave, would not see what is mounted
 * later below a mount that is not shared, and would keep busy what is unmounted. The minimal one has a tmpfs of a few kilobytes for its root, and
 * proc, sysfs and the prepared /dev: monitors run in it, because a clone copies the mount namespace (2.7 ms with 1,000 mounts, 0.2 with none),
 * and nothing of the host can be reached by a path there. Its proc and sysfs are mounted in full, because the kernel lets a user namespace
 * mount its own only where one is fully visible already (mnt_already_visible in fs/namespace.c).
 */
#ifndef LAUNCHER_NAMESPACES_H
#define LAUNCHER_NAMESPACES_H

#include "lib/error.h"

struct namespaces {
	int own_mounts;
	int minimal_mounts;
	int own_network;
};

/* Makes the minimal namespace and returns to the own. `locale_archive`: a file of at most 16 MiB, or NULL. After an error the process must exit. */
int namespaces_prepare(struct namespaces *ret_namespaces, const char *depot, const char *locale_archive, struct error *err);

/* A detached clone of the minimal namespace's /dev, which is read-only. Returns it or -1. */
int namespaces_clone_devices(const struct namespaces *namespaces, struct error *err);

#endif
