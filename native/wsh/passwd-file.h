/* The container's own /etc/passwd, read with the care that a file deserves whose content and kind are the container's: docs/native.md, USER_NAME. */
#ifndef WARDEN_WSH_PASSWD_FILE_H
#define WARDEN_WSH_PASSWD_FILE_H

#include "lib/error.h"
#include "wsh/passwd.h"

enum { PASSWD_FILE_MAX = 1 << 20 };

/*
 * Who is meant by NAME, UID or UID:GID: ret_search has what the file's line says when `found`, and else only the uid. *ret_gid: the one that was given, or the
 * line's, or the uid.
 * key: two numbers that wshd says with openat2 (set-id-filter.h); NULL: nobody asks for them.
 * Errors, with step `find user`: ENOENT no such name; EINVAL neither form, or no regular file; EFBIG; ELOOP a symbolic link on the way; EAGAIN a lease or FIFO.
 */
int passwd_file_find(struct passwd_search *ret_search, const char *text, uint32_t *ret_gid, const uint32_t *key, struct error *err);

#endif
