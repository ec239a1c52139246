/* Writing a tar archive to a stream: ustar, with a pax header before an entry that does not fit it. */
#ifndef TAR_WRITER_H
#define TAR_WRITER_H

#include "tar/tar-entry.h"

struct tar_writer {
	tar_sink write;
	void *context;
	uint64_t left;      /* of the data of the entry that was begun */
	size_t padding;
};

void tar_writer_init(struct tar_writer *ret_writer, tar_sink write, void *context);

/* The header. A file's data, entry.size bytes, comes with tar_writer_data(). EINVAL: the one before is not whole. */
int tar_writer_entry(struct tar_writer *writer, const struct tar_entry *entry, struct error *err);
/* The next bytes of it; with data NULL they are zeros. EINVAL: more than there should be. */
int tar_writer_data(struct tar_writer *writer, const void *data, size_t size, struct error *err);
/* Bytes of it that the caller has put where they go without the writer. EINVAL: more than there should be. */
int tar_writer_passed(struct tar_writer *writer, size_t size, struct error *err);
int tar_writer_end(struct tar_writer *writer, struct error *err);

#endif
