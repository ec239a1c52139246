/*
 * The end of a copy that reads. Directories are walked by descriptors, each entry opened by its name alone and without following links, so whatever moves about
 * meanwhile, only what lies below the source is read. Of an entry that changes its kind again and again while it is looked at, as of devices, sockets
 * and FIFOs, only the name is told. What cannot be read ends the copy.
 */
#ifndef WARDEN_FILES_COPY_SENDER_H
#define WARDEN_FILES_COPY_SENDER_H

#include <sys/stat.h>

#include "files/channel.h"
#include "files/place.h"

/* What is copied: all that has to be opened by a path. */
struct copy_source {
	int parent;               /* O_PATH: the directory that it is in, or whose contents it is */
	struct stat status;       /* of the source */
	struct place_path path;
};

struct copy_counts {
	uint64_t entries;
	uint64_t bytes;
	uint64_t skipped;
};

int copy_source_open(struct copy_source *ret_source, const struct place *place, const char *path, struct error *err);
void copy_source_close(struct copy_source *source);

/* What the caller wants to know while it goes on. Either may be NULL. */
struct copy_reports {
	void (*skipped)(void *context, const char *path);
	int (*progress)(void *context, const struct copy_counts *counts, struct error *err);
	void *context;
};

/* Sends everything, and waits until the other end has it all; then *ret_counts is what that has made. */
int copy_send(struct channel *channel, const struct copy_source *source, const struct copy_reports *reports, struct copy_counts *ret_counts, struct error *err);

#endif
