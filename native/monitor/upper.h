/*
 * The container's directory: run/ and jobs/, upper and work of the overlay, which may lie in a directory of their own, so that nothing else counts for the
 * disk's limit; and the files that the upper layer gets before anything untrusted runs, so that they can be written by plain paths.
 */
#ifndef WARDEN_MONITOR_UPPER_H
#define WARDEN_MONITOR_UPPER_H

#include "lib/error.h"
#include "monitor/description.h"

struct container_directories {
	int container;
	int disk;            /* -1: there is none */
	int upper;
	int run;
	int jobs;
	unsigned int made;   /* which of the four are ours to remove */
};

/* The directory of upper and work. */
int directories_of_layers(const struct container_directories *directories);
/* Make upper and work, which the overlay needs, and run and jobs, which the monitor needs later, in the (empty) directories; EEXIST when one is
 * there already. On failure call directories_remove(). */
int directories_make_layers(struct container_directories *directories, const struct id_map *map, struct error *err);
int directories_make_own(struct container_directories *directories, struct error *err);
/* Removes those that these made, with all that is in them, and closes them; the container directory itself stays. */
void directories_remove(struct container_directories *directories);

/* Writes directories, files and account files; the image's account files come from `lowers`, topmost first, as they are on disk. */
int upper_write(int upper, const struct description *description, const int *lowers, struct error *err);

#endif
