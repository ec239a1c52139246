/* An archive as it comes from a client: its entries one after the other, and the content of each. */
#ifndef WARDEN_FILES_TAR_SOURCE_H
#define WARDEN_FILES_TAR_SOURCE_H

#include "files/content.h"
#include "files/tar-format.h"

struct tar_source {
	struct content_input *input;
	const uint8_t *piece;     /* what has come and was not used */
	size_t piece_size;
	uint64_t content_left;    /* of the entry */
	uint64_t padding_left;
};

void tar_source_init(struct tar_source *source, struct content_input *input);
/* The next entry that is a thing of its own; what is left of the one before is passed over. 1; 0: the archive has ended; -1: EBADMSG and others. */
int tar_source_next(struct tar_source *source, struct tar_entry *ret_entry, struct error *err);
/* The next piece of its content. 1; 0: there is no more. */
int tar_source_read(struct tar_source *source, const uint8_t **ret_data, size_t *ret_size, struct error *err);
/* Everything that the client sends behind the archive's end. */
int tar_source_drain(struct tar_source *source, struct error *err);

#endif
