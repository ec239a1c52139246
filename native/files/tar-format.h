/*
 * The blocks of a tar archive as data: ustar, pax and GNU's long names. Reading them touches nothing but memory, and believes nothing: a number that is
 * none, a checksum that does not fit, a record that is longer than its archive are EBADMSG.
 */
#ifndef WARDEN_FILES_TAR_FORMAT_H
#define WARDEN_FILES_TAR_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "lib/error.h"

enum { TAR_BLOCK = 512, TAR_MAX_PATH = 4095, TAR_MAX_RECORDS = 1 << 20 };

/* Of typeflag, with '\0' and '7' read as a file. */
enum tar_type {
	TAR_FILE = '0', TAR_HARD_LINK = '1', TAR_SYMLINK = '2', TAR_CHARACTER = '3', TAR_BLOCK_DEVICE = '4', TAR_DIRECTORY = '5', TAR_FIFO = '6',
	TAR_PAX = 'x', TAR_PAX_GLOBAL = 'g', TAR_LONG_NAME = 'L', TAR_LONG_LINK = 'K', TAR_GNU_SPARSE = 'S',
};

struct tar_entry {
	char type;
	char path[TAR_MAX_PATH + 1];
	char target[TAR_MAX_PATH + 1];   /* of a link */
	uint32_t mode;                   /* 12 bits */
	uint32_t uid;
	uint32_t gid;
	uint64_t size;                   /* of what follows in the archive; at most INT64_MAX - TAR_BLOCK */
	struct timespec modified;
	bool sparse;                     /* what follows is not simply the content */
};

/* What came before an entry and counts for it. */
struct tar_overrides {
	bool has_path, has_target, has_size, has_uid, has_gid, has_modified, sparse;
	struct tar_entry values;
};

/* 1: an entry; 0: a block of zeros, which ends the archive; -1: neither. */
int tar_read_header(const uint8_t *block, struct tar_entry *ret_entry, struct error *err);
/* Records of a pax header. Keys that are not known count as nothing. */
int tar_read_records(const char *data, size_t size, struct tar_overrides *overrides, struct error *err);
/* A GNU long name. */
int tar_read_long(const char *data, size_t size, bool is_target, struct tar_overrides *overrides, struct error *err);
void tar_override(const struct tar_overrides *overrides, struct tar_entry *entry);
/* Bytes with their padding. */
uint64_t tar_padded(uint64_t size);

/* The header of an entry, with a pax header before it where that is needed. Returns its size: a whole number of blocks, at most TAR_MAX_HEADER. */
enum { TAR_MAX_HEADER = 3 * TAR_BLOCK + 2 * (TAR_MAX_PATH + 64) + 256 };
size_t tar_write_header(const struct tar_entry *entry, uint8_t *ret_header);

#endif
