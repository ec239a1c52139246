/* One transfer: what was asked for, by whom, and the way to the client. */
#ifndef WARDEN_FILES_TRANSFER_H
#define WARDEN_FILES_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/codec.h"
#include "lib/error.h"

struct transfer {
	int connection;         /* blocking; a read or write that hears nothing of the client for TRANSFER_SILENCE_S fails with EAGAIN */
	int root;               /* the container's, O_PATH: every path is resolved within it */
	uint64_t root_mount;    /* its id. Elsewhere, in directories of the host's, nothing gets set-id bits: the host would honour them */
	const uint8_t *body;    /* of TRANSFER */
	size_t size;
	uint32_t operation;     /* FILE_* */
	uint32_t uid;           /* whose rights this process has, in the container's ids */
	uint32_t gid;
	bool privileged;        /* root of the container, with what it may do to files */
	bool plain;             /* there is no container, only a directory of ours */
	bool nested;            /* the container has no user namespace of its own */
	char *user_name;        /* in place of the three above; NULL: they were given */
	char *home;             /* where relative paths begin */
};

enum { TRANSFER_SILENCE_S = 300 };

/* What each operation does; -1: its error is sent to the client. */
typedef int (*transfer_function)(struct transfer *transfer, struct error *err);

#endif
