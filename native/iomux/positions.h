/*
 * The file of iomux-link -w: how far a link has come. One line, "iomux 1 POSITION", and one for each of stdout and stderr:
 * "file DEVICE INODE SIZE" when it is a regular file, else "stream".
 *
 * It is replaced by rename, behind the output it tells of. A link that is killed in between has written more than it says; to a
 * regular file the next link sees that by the file's size, and does not write it again.
 */
#ifndef WARDEN_IOMUX_POSITIONS_H
#define WARDEN_IOMUX_POSITIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"

struct target {
	bool regular;
	uint64_t device;
	uint64_t inode;
	uint64_t size;
};

struct positions {
	uint64_t position;
	struct target targets[2];   /* stdout, stderr */
};

/* Exactly that text. EBADMSG else. Pure. */
int positions_parse(const char *text, size_t size, struct positions *ret_positions, struct error *err);
/* Without a file: position 0, and no targets. */
int positions_read(const char *path, struct positions *ret_positions, struct error *err);
int positions_write(const char *path, const struct positions *positions, struct error *err);
/* What the descriptor is now. */
int target_look(int fd, struct target *ret_target, struct error *err);
/* Bytes that were written to it after it was looked at the first time. 0 for another file, one that is shorter, and for streams. */
uint64_t target_growth(const struct target *before, const struct target *now);

#endif
