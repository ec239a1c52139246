/* The bytes of a file that may be compressed, by gzip or zstd, as its first bytes say; digests of both forms are made on the way. */
#ifndef ARCHIVE_DECOMPRESS_H
#define ARCHIVE_DECOMPRESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "archive/sha256.h"
#include "lib/error.h"

enum compression { COMPRESSION_NONE, COMPRESSION_GZIP, COMPRESSION_ZSTD };

struct decompress {
	int fd;
	enum compression compression;
	uint8_t *input;
	size_t begin, end;          /* what of it was not decompressed yet */
	bool input_ended;
	void *stream;               /* of zlib or libzstd */
	bool frame_ended;           /* a member or frame is whole: there may be another */
	uint64_t bytes_read;        /* of the file */
	uint64_t bytes_limit, bytes_given;
	struct sha256 file_hash, content_hash;
	void (*progress)(uint64_t bytes_read);
};

/* bytes_limit: of what comes out. progress is called after each read of the file. */
int decompress_init(struct decompress *ret_decompress, int fd, uint64_t bytes_limit, void (*progress)(uint64_t bytes_read), struct error *err);
void decompress_free(struct decompress *decompress);

/* 1 to size bytes, 0 at the end, or -1: EBADMSG damaged or cut off, EDQUOT more than the limit. `context` is the struct decompress. */
ssize_t decompress_read(void *context, void *ret_data, size_t size, struct error *err);

#endif
