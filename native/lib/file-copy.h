/*
 * The contents of one regular file into another, by whichever call the two file systems allow: copy_file_range(2), which may share blocks, else reads and
 * writes. Holes stay holes. Both files are at their beginning, and the second one is empty.
 */
#ifndef WARDEN_FILE_COPY_H
#define WARDEN_FILE_COPY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "lib/error.h"

/* So many bytes more have been copied, at most FILE_COPY_STEP: 0 goes on, -1 stops with *err. */
typedef int (*file_copy_tick)(void *context, uint64_t bytes, struct error *err);

enum {
	FILE_COPY_STEP = 8 << 20,
	/* What is copied of a file that says it has no size, as those of /proc do. */
	FILE_COPY_UNSIZED = 16 << 20,
};

/* Remembers what the file systems do not allow, and holds a buffer; for any number of files, one at a time. */
struct file_copier {
	bool no_range;
	char *buffer;
};

/* What the source holds up to the size that `status` gives it: one that has grown is not run after, one that has shrunk ends where it ends. */
int file_copy(struct file_copier *copier, int from, const struct stat *status, int to, file_copy_tick tick, void *context, struct error *err);
void file_copier_free(struct file_copier *copier);

#endif
