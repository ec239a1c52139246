/*
 * Disks: the directories in which containers' upper layers lie, each with a limit on what it takes.
 *
 * One kind a file (disk-btrfs.c, …), each a table of the four operations; what they can do is told in docs/limits.md. Where the depot's own file system has quotas,
 * containers' files stay in their directories (quota.c).
 * Requests are answered within the call where that takes a few system calls. A disk is removed by DISCARD.
 */
#ifndef LAUNCHER_DISK_H
#define LAUNCHER_DISK_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/stream.h"
#include "launcher/launcher.h"

struct disk_order {
	uint32_t kind;         /* DISK_* */
	char path[PATH_MAX];   /* of the directory of disks (DISK_PREPARE), or of one disk in it */
	char image[PATH_MAX];  /* empty: none */
	bool limits_bytes;     /* byte_limit is given */
	uint64_t byte_limit;   /* 0: none */
};

enum { DISK_GROUP_SIZE = 128 };

struct disk_state {
	uint64_t byte_limit;   /* what is in force; 0: none */
	uint64_t bytes_used;
	uint64_t inodes_used;
	bool counts_inodes;
	char group[DISK_GROUP_SIZE];   /* directory in /sys whose files tell what is used at any moment; empty: there is none */
};

/* Errors of every operation: EOPNOTSUPP, what this kernel or file system cannot do. */
struct disk_kind {
	/* At the start: order->path, a directory that exists, can hold disks afterwards. Again it is no error. */
	int (*prepare)(const struct disk_order *order, struct error *err);
	/* order->path, which does not exist, becomes an empty directory without limits, owned by root. */
	int (*make)(const struct disk_order *order, struct error *err);
	bool makes_slowly;   /* in a process of its own, then */
	/* order->byte_limit is in force from now on. */
	int (*limit)(const struct disk_order *order, struct error *err);
	int (*read)(const struct disk_order *order, struct disk_state *ret_state, struct error *err);
};

extern const struct disk_kind disk_btrfs, disk_image;

/* DISK_PREPARE, DISK_MAKE, DISK. */
void disk_serve(struct launcher *launcher, uint32_t request, const struct frame *frame);

/* What is more than a directory in an entry that is to be removed: a mount is taken away, a subvolume is deleted. Whatever it was, what is left can be removed
 * as a tree. */
void disk_take_apart(int directory, const char *name);

#endif
