/*
 * For containers into which a directory of the host is mounted for writing: nobody in them makes a file with the set-user-id or set-group-id
 * bit, which would be in force for whoever executes it on the host, where the mount's `nosuid` is not.
 */
#ifndef WARDEN_WSH_SET_ID_FILTER_H
#define WARDEN_WSH_SET_ID_FILTER_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"

enum { SET_ID_FILTER_MAX = 160 };

/*
 * Writes the program and returns how many instructions it has, 0 when there is no room. openat2 keeps its mode in memory, where a filter cannot
 * look: it answers ENOSYS, and the C library falls back. wshd itself goes on using it, with `key` as its fifth and sixth argument, which the
 * kernel does not look at.
 */
size_t set_id_filter_write(struct sock_filter *ret_program, size_t room, const uint32_t key[2]);

/* Loads it, for this process and all that it starts. Before the container's own filter, which allows nobody to load another. */
int set_id_filter_load(const uint32_t key[2], struct error *err);

#endif
