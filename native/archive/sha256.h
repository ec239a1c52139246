/* SHA-256 (FIPS 180-4), with the processor's own instructions where there are some. */
#ifndef ARCHIVE_SHA256_H
#define ARCHIVE_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_SIZE = 32, SHA256_TEXT_SIZE = 2 * SHA256_SIZE + 1 };

struct sha256 {
	uint32_t state[8];
	uint64_t size;        /* bytes so far */
	uint8_t block[64];    /* the last ones, when they do not fill it */
};

void sha256_init(struct sha256 *ret_hash);
void sha256_add(struct sha256 *hash, const void *data, size_t size);
/* In hexadecimal. The hash is used up. */
void sha256_end(struct sha256 *hash, char ret_text[static SHA256_TEXT_SIZE]);

#endif
