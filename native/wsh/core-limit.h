/* The limit of core files, which the filter lets nobody but wshd change (seccomp/core-key.h). */
#ifndef WARDEN_WSH_CORE_LIMIT_H
#define WARDEN_WSH_CORE_LIMIT_H

#include <linux/filter.h>
#include <stddef.h>
#include <sys/resource.h>

#include "wsh/wshd.h"

/* The least limit, with which there are no core dumps at all. */
enum { CORE_LIMIT_OFF = 1 };

/* No core dumps of this process and those it starts, as far as its hard limit allows that. */
void core_limit_begin(void);
/* Puts a key into the filter, which is not loaded yet. Fails when it has no place for one. */
int core_limit_make_key(struct sock_filter *filter, size_t count, struct wshd *wshd, struct error *err);
/* setrlimit() for RLIMIT_CORE under the filter. */
int core_limit_set(const struct wshd *wshd, const struct rlimit *limit);

#endif
