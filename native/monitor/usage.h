/*
 * Files of the container's cgroups that tell what it uses, as wardend has named them. Who waits for a job's end gets their text with it: read here
 * it takes a fourth of the time that wardend needs for it, whose processor has forgotten the way there while the job ran.
 *
 * They are opened while the first job runs and stay open, because opening one takes longer than reading it.
 */
#ifndef WARDEN_MONITOR_USAGE_H
#define WARDEN_MONITOR_USAGE_H

#include <limits.h>
#include <stddef.h>

#include "lib/codec.h"
#include "monitor/cgroup.h"
#include "monitor/description.h"

#define USAGE_MAX_FILES 16

struct usage {
	struct {
		size_t cgroup;             /* index */
		char name[NAME_MAX + 1];
		int fd;                    /* -1: not opened yet, or not there */
	} files[USAGE_MAX_FILES];
	size_t count;
	bool open;
};

/* Remembers the names. */
void usage_init(struct usage *usage, const struct description *description);
/* Opens what there is; once. */
void usage_open(struct usage *usage, const struct cgroups *cgroups);
/* Nobody is told any more. */
void usage_close(struct usage *usage);
/* A USAGE for each file that can be read. */
void usage_put(struct usage *usage, const struct cgroups *cgroups, struct wire_buffer *buffer);

#endif
