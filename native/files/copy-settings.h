/* What is wanted of a copy: COPY's attributes, of which the container's end gets its part. */
#ifndef WARDEN_FILES_COPY_SETTINGS_H
#define WARDEN_FILES_COPY_SETTINGS_H

#include "lib/codec.h"
#include "lib/tree-writer.h"
#include "files/place.h"

struct copy_settings {
	uint32_t operation;        /* FILE_COPY_IN, FILE_COPY_OUT */
	char *directory;           /* the container's, on the host */
	char *source;              /* on the host, or in the container */
	char *destination;
	char *home;                /* in the container */
	uint32_t uid;              /* in the container */
	uint32_t gid;
	struct tree_attributes owner;   /* has_owner, uid, gid: on the host */
	uint64_t entry_limit;
	uint64_t byte_limit;
	bool keep_set_id;
	struct writable_directory *writable;
	size_t writable_count;
	bool no_links;             /* on the host */
};

/* To be freed whatever it returns. */
int copy_settings_read(const void *body, size_t size, struct copy_settings *ret_settings, struct error *err);
void copy_settings_free(struct copy_settings *settings);
/* TRANSFER for the container's end, the whole frame. */
int copy_settings_put_transfer(const struct copy_settings *settings, struct wire_buffer *buffer, struct error *err);
struct tree_policy copy_settings_policy(const struct copy_settings *settings);

#endif
