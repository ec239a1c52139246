/*
 * A second thread of the end of a copy that makes files: it brings over the contents of one while the first thread makes the next. Nearly all of the time goes
 * into the kernel's work for these writes, and two processors do more of it than one.
 *
 * It is started once nothing is left to be given up but system calls (confine.h), so that it never has more rights than the first one. Where none can be
 * had, as in a container at its limit of processes, the first thread does everything.
 */
#ifndef WARDEN_FILES_COPY_WORKER_H
#define WARDEN_FILES_COPY_WORKER_H

#include <sys/stat.h>

#include "lib/tree-writer.h"

/* A file that was begun, and where its contents come from; both are the worker's once it has taken them. */
struct copy_job {
	struct tree_writer *writer;
	struct tree_file file;
	struct tree_attributes attributes;
	int from;
	struct stat status;   /* of that, when it was found small enough */
};

/* At most once in a process. */
void copy_worker_start(void);
/* 1: taken; 0: it is busy, or there is none; -1: what it was given before has failed, which is told once. */
int copy_worker_take(const struct copy_job *job, struct error *err);
/* Until it has nothing to do. Descriptors that its file needs may be closed then. -1 as above. */
int copy_worker_settle(struct error *err);
/* Around whatever changes or reads the writer's count of bytes. */
void copy_worker_lock(void);
void copy_worker_unlock(void);

#endif
