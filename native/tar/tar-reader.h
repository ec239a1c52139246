/*
 * Reading a tar archive from a stream: ustar and older, GNU (long names, sparse files), pax (names, sizes, owners, times, SCHILY.xattr, GNU.sparse of
 * every version). What comes is taken for hostile: every number has a limit, memory does not grow with what is claimed, nothing is looked up.
 * Names are given as they are: whoever writes them somewhere has to see to where they lead.
 */
#ifndef TAR_READER_H
#define TAR_READER_H

#include <stdbool.h>

#include "tar/pax.h"
#include "tar/tar-header.h"
#include "tar/tar-input.h"

struct tar_reader {
	struct tar_input input;
	uint64_t left;              /* bytes of this entry's data in the archive */
	size_t padding;             /* behind them */
	uint64_t segment_left;      /* of the segment before `segment` */
	uint64_t offset;            /* in the file, of the next byte */
	size_t segment;
	bool is_sparse, ended;
	struct pax pax;
	char *long_name, *long_target;
	char name[TAR_PATH_MAX + 1], link_name[TAR_PATH_MAX + 1];
	struct tar_entry entry;
};

int tar_reader_init(struct tar_reader *ret_reader, tar_source read, void *context, struct error *err);
void tar_reader_free(struct tar_reader *reader);

/*
 * 1: *ret_entry, valid until the next call, of whose data the rest is left out then; 0: the end of the archive, behind which the source may have more;
 * -1: EBADMSG (no such archive, or cut off), E2BIG, ENAMETOOLONG, ERANGE, or the source's error.
 */
int tar_reader_next(struct tar_reader *reader, const struct tar_entry **ret_entry, struct error *err);

/* 1: bytes of a file, which begin at *ret_offset in it (what lies between two of them, and before entry.size, is a hole); 0: no more; -1. */
int tar_reader_data(struct tar_reader *reader, const void **ret_data, size_t *ret_size, uint64_t *ret_offset, struct error *err);

/* Reads what follows the archive's end, as far as it goes. */
int tar_reader_drain(struct tar_reader *reader, struct error *err);

#endif
