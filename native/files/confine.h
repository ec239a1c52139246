/* What a process that works on files can still reach: the trees that it was given, and the system calls that work on files. */
#ifndef WARDEN_FILES_CONFINE_H
#define WARDEN_FILES_CONFINE_H

#include <stddef.h>

#include "lib/error.h"

enum confine_access {
	CONFINE_ALL,         /* a directory, with everything in it */
	CONFINE_READ_TREE,   /* the same, for reading */
	CONFINE_READ_FILE,   /* one file */
};

/*
 * Landlock: nothing but what lies below these directories (O_PATH descriptors), no device nodes, no sockets or FIFOs made, nothing executed, no TCP, no
 * signals and abstract sockets outside. As far as the kernel has it; one without Landlock has file permissions and namespaces. Wants no_new_privs.
 */
int confine_to_trees(const int *trees, size_t count, enum confine_access access, struct error *err);
/* seccomp: a system call that does not belong to work on files kills the process. Of all its threads. Wants no_new_privs. */
int confine_calls(struct error *err);

#endif
