/* From root of the host to a process that can only change files below one directory. */
#ifndef ARCHIVE_CONFINE_H
#define ARCHIVE_CONFINE_H

#include "lib/error.h"

/*
 * The directory becomes the root, and nothing else of the file system can be reached: of open descriptors those stay that are named. What is left of root's rights
 * is owners, permissions and attributes of files, of system calls what files need; any other ends the process.
 */
int confine(int root, const int *kept, size_t kept_count, struct error *err);

#endif
