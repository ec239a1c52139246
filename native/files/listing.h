/* What a directory has, told in batches: OK {…} as often as it takes, CONTENT_END {LENGTH, ENTRY_LIMIT?}: how many, and whether the limit kept more back. */
#ifndef WARDEN_FILES_LISTING_H
#define WARDEN_FILES_LISTING_H

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>

#include "files/request.h"
#include "lib/codec.h"
#include "lib/error.h"

struct listing {
	const struct transfer *transfer;
	const struct request *request;
	/* Tells of one name of the directory, between listing_begin_entry() and listing_end_entry(), or passes over it. */
	int (*add)(struct listing *listing, const char *name, struct error *err);
	DIR *stream;
	struct wire_buffer batch;
	bool begun;        /* there is a frame in the batch */
	uint64_t count;
	bool more;
};

/* The whole answer, but for the names . and ..; `directory` is taken over. transfer, request and add are set. */
int listing_serve(struct listing *listing, int directory, struct error *err);
/* False: the limit keeps it back. Else its attributes go into the batch. */
bool listing_begin_entry(struct listing *listing);
int listing_end_entry(struct listing *listing, struct error *err);

#endif
