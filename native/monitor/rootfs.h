/*
 * The mount tree of a container, built in its child from descriptors alone.
 *
 * Targets are found by openat2() below the root's descriptor, so neither a symbolic link of the image nor one that another
 * container swaps in on a shared volume leads anywhere else (CVE-2021-30465); /proc is checked to be a proc before anything in it
 * is trusted (CVE-2019-16884), and masks come from the host's own /dev/null and an empty directory, never from the image (CVE-2025-31133).
 */
#ifndef WARDEN_MONITOR_ROOTFS_H
#define WARDEN_MONITOR_ROOTFS_H

#include "lib/error.h"
#include "monitor/description.h"

struct mount_option {
	const char *key;
	const char *value;   /* NULL: a flag */
};

struct rootfs {
	int root;    /* the overlay */
	int dev;     /* the prepared tree */
	int proc;
	int sys;
};

/* A new file system, attached nowhere. options ends in a NULL key. */
int rootfs_make_mount(const char *type, const struct mount_option *options, unsigned int attributes, int *ret_mount, struct error *err);
/* Attaches a tree at a directory below `parent`, which is made when it is missing; links are refused. */
int rootfs_attach_at(int tree, int parent, const char *name, struct error *err);

/* All that needs no root: proc, sys and dev with what belongs inside them, covered where it has to be. They are attached at places of the child's own
 * mount namespace, so that this is done while the monitor makes the root. */
int rootfs_prepare(struct rootfs *rootfs, const struct description *description, struct error *err);
/* Attaches the root as /root, and moves everything else into it. volumes: one detached tree for each volume of the description. */
int rootfs_assemble(struct rootfs *rootfs, const int *volumes, const struct description *description, struct error *err);

#endif
