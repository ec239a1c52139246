/* The records of a pax header ("LENGTH KEYWORD=VALUE\n" each), which go before what the entry's own header says. */
#ifndef TAR_PAX_H
#define TAR_PAX_H

#include <stdbool.h>

#include "tar/tar-entry.h"

enum { PAX_MAX = 1 << 20 };   /* bytes of one header; more is E2BIG */

struct tar_segment {
	uint64_t offset, size;
};

struct pax {
	char *text;                 /* what the strings lie in */
	const char *path, *target;
	bool has_size, has_uid, has_gid, has_mtime;
	uint64_t size;
	uint32_t uid, gid;
	int64_t mtime;
	uint32_t mtime_ns;
	struct tar_xattr xattrs[TAR_XATTR_MAX];
	size_t xattr_count;
	/* A sparse file in one of GNU's three ways: the segments are told one by one, in a list, or (version 1) at the beginning of its data. */
	const char *sparse_name, *sparse_map;
	bool has_real_size, has_sparse_numbers;
	uint64_t real_size, sparse_major;
	struct tar_segment *segments;
	size_t segment_count;
};


/*
 * Takes a header's text of `size` bytes, which must have room for one more; it is changed and belongs to `pax`, which forgets what it had.
 * EBADMSG for what is no such text, or has NUL bytes in a name.
 */
int pax_read(struct pax *pax, char *text, size_t size, struct error *err);
void pax_clear(struct pax *pax);

/* Decimal digits up to `end`, which they reach. */
int pax_number(const char *text, const char *end, uint64_t max, uint64_t *ret_number, struct error *err);
int pax_add_segment(struct pax *pax, uint64_t offset, uint64_t size, struct error *err);

#endif
