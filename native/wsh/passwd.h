/*
 * Lines of /etc/passwd, without the C library: what stands in them comes from an image or from a container's root, so a line counts only when
 * it is well formed in every field that is used, and a number never wraps around to another user.
 *
 * A line is NAME:PASSWORD:UID:GID:COMMENT:HOME:SHELL. One that is longer than PASSWD_MAX_LINE, holds a NUL, has another number of fields, or
 * an id that is not a plain decimal number below 4294967295 is as good as absent. The first one that fits counts, as for getpwnam(3).
 */
#ifndef WARDEN_WSH_PASSWD_H
#define WARDEN_WSH_PASSWD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PASSWD_MAX_LINE = 1024 };

struct passwd_search {
	/* what is looked for: */
	const char *name;              /* NULL: the uid */
	uint32_t wanted_uid;
	/* what was found: */
	bool found;
	uint32_t uid;
	uint32_t gid;
	char *user;                    /* both within `line`, ending in NUL */
	char *home;
	/* the line that is being read: */
	char line[PASSWD_MAX_LINE + 1];
	size_t length;
	bool unusable;
};

/* The file's bytes in pieces of any size; true when nothing more is needed. */
bool passwd_feed(struct passwd_search *search, const char *data, size_t size);
/* The end of the file, which ends a last line without a newline. Returns whether it was found. */
bool passwd_end(struct passwd_search *search);

/* 0 … 4294967294 in decimal digits: no sign, space or leading zero. */
bool passwd_read_id(const char *text, size_t size, uint32_t *ret_id);

#endif
