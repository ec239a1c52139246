/*
 * Where a path leads: in the container, of whose root no step leaves, or on the host, where a link is followed only when nobody but root can have made it:
 * a directory on the way may be one that a container, or a user, can write to.
 */
#ifndef WARDEN_FILES_PLACE_H
#define WARDEN_FILES_PLACE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"

/* A directory of the host that a container can write to, perhaps with the rights of the host's root. */
struct writable_directory {
	uint64_t device;
	uint64_t inode;
};

struct place {
	int root;           /* of the container; -1: the host's */
	const char *home;   /* of the container's user: what a path that is not absolute begins at */
	/* On the host: below these no link is followed, and no "..". */
	const struct writable_directory *writable;
	size_t writable_count;
	bool no_links;      /* nowhere */
};

/* A path taken apart: "a/b/c" is in "a/b", named "c". */
struct place_path {
	char parent[PATH_MAX];
	char name[NAME_MAX + 1];
	bool contents;      /* it ends in a slash, "." or "..", or is the root: a directory's contents are meant; parent is all of it then, and there is no name */
};

/* EINVAL, ENAMETOOLONG. On the host it has to be absolute. */
int place_split(const struct place *place, const char *path, struct place_path *ret_path, struct error *err);
/* Descriptors for a path only (O_PATH). The last link is followed, too. ELOOP: a link that is not followed, or too many. */
int place_open_directory(const struct place *place, const char *path, struct error *err);

#endif
