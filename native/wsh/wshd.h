/* What the parts of wshd share. */
#ifndef WARDEN_WSHD_H
#define WARDEN_WSHD_H

#include <stdint.h>

#include "lib/error.h"

/* Descriptors wshd is executed with. Everything else was closed. */
enum { WSHD_CHANNEL = 3, WSHD_FILTER = 4 };

/* A packet to the monitor waits this long for room; a monitor that does not read for so long is as good as dead. */
enum { WSHD_SEND_TIMEOUT_MS = 10000 };

struct wshd {
	uint64_t privileged_capabilities;   /* what a privileged job keeps */
	uint32_t core_key[2];               /* by which the filter knows our own changes of RLIMIT_CORE, and our own openat2 */
	uint32_t nested;                    /* 1: no filter, all capabilities there are, no no_new_privs (monitor/nested.h) */
	uint32_t plain;                     /* 1: not in a container, and without any rights: jobs are processes of our own user (plain/main.c) */
	uint32_t refuse_set_id;             /* 1: nobody here may make set-user-id files (set-id-filter.h) */
};

#endif
