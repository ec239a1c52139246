/* What the operations of a transfer take, read from the request's body. */
#ifndef WARDEN_FILES_REQUEST_H
#define WARDEN_FILES_REQUEST_H

#include "files/transfer.h"

struct request {
	char *path;             /* never NULL after request_read() */
	char *target;           /* RENAME: the new path; else NULL */
	uint32_t flags;         /* TRANSFER_FLAG_* */
	uint32_t mode;          /* UINT32_MAX: none was given */
	uint64_t position;      /* UINT64_MAX: none was given */
	uint64_t length;        /* UINT64_MAX: to the end */
	uint64_t entry_limit;   /* UINT64_MAX: none */
	uint64_t byte_limit;    /* UINT64_MAX: none */
	const uint8_t *content; /* WRITE: all of it, or NULL when it comes in frames; in the body */
	size_t content_size;
};

/* EBADMSG: malformed; EINVAL, ENAMETOOLONG: a path that is none. request_free() in any case. */
int request_read(const struct transfer *transfer, struct request *ret_request, struct error *err);
void request_free(struct request *request);

#define _cleanup_request_ __attribute__((cleanup(request_free)))

#endif
