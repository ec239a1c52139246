/* The 512 bytes before each entry: the fields that ustar, GNU and pax archives share, and their numbers. */
#ifndef TAR_HEADER_H
#define TAR_HEADER_H

#include <stdbool.h>

#include "tar/tar-entry.h"

struct tar_header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link_name[100];
	char magic[6], version[2], user[32], group[32], device_major[8], device_minor[8];
	union {
		char prefix[155];
		struct {
			char times[24], offset[12], long_names[4], unused;
			char segments[4][2][12];   /* offset and size */
			char is_extended, real_size[12];
		} gnu;
	};
	char padding[12];
};

/* What follows an old GNU header of a sparse file with more than four segments. */
struct tar_segments {
	char segments[21][2][12];
	char is_extended, padding[7];
};

_Static_assert(sizeof(struct tar_header) == TAR_BLOCK_SIZE && sizeof(struct tar_segments) == TAR_BLOCK_SIZE, "a block");

/* Octal with blanks and NULs around it, or base 256 with the highest bit set. EBADMSG: neither, or negative; ERANGE: above max. */
int tar_number_read(const char *field, size_t size, uint64_t max, uint64_t *ret_number, struct error *err);
/* As octal, or in base 256 when it is too large for that. */
void tar_number_write(char *field, size_t size, uint64_t number);

bool tar_header_is_zero(const struct tar_header *header);
/* Whether the sum is right, of bytes with or without sign: both were written. */
bool tar_header_is_valid(const struct tar_header *header);
/* Fills magic and checksum: the last thing that is done. */
void tar_header_seal(struct tar_header *header);

#endif
