/* One entry of a tar archive, as it is read and written. Names are bytes: no locale, no character set. */
#ifndef TAR_ENTRY_H
#define TAR_ENTRY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/error.h"

enum {
	TAR_BLOCK_SIZE = 512,
	TAR_PATH_MAX = 4095,        /* of a path, and of a link's target, in bytes; more is ENAMETOOLONG */
	TAR_XATTR_MAX = 64,         /* of one entry */
	TAR_SEGMENT_MAX = 65536,    /* of a sparse file */
};

enum tar_type { TAR_FILE, TAR_DIRECTORY, TAR_SYMLINK, TAR_HARD_LINK, TAR_CHARACTER_DEVICE, TAR_BLOCK_DEVICE, TAR_FIFO };

struct tar_xattr {
	const char *name;
	const uint8_t *value;
	size_t size;
};

struct tar_entry {
	enum tar_type type;
	const char *path;       /* as it stands in the archive: may be absolute, have "..", end in "/" */
	const char *target;     /* of a symbolic or hard link, else NULL */
	mode_t mode;            /* permission bits, set-id and sticky */
	uint32_t uid, gid;
	uint64_t size;          /* bytes of a file, holes included */
	int64_t mtime;          /* seconds since 1970 */
	uint32_t mtime_ns;      /* and what of a second is behind them */
	const struct tar_xattr *xattrs;
	size_t xattr_count;
};

/* Bytes of the archive: 1 to size of them, 0 at its end, or -1. */
typedef ssize_t (*tar_source)(void *context, void *ret_data, size_t size, struct error *err);
/* Takes all of them, or fails with -1. */
typedef int (*tar_sink)(void *context, const void *data, size_t size, struct error *err);

#endif
