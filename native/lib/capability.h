/* Capabilities as bit sets, set by the bare system calls: libcap is more than we need. */
#ifndef WARDEN_CAPABILITY_H
#define WARDEN_CAPABILITY_H

#include <linux/capability.h>
#include <stdint.h>

#include "lib/error.h"

#define CAPABILITY(number) (1ull << (number))

/*
 * What wshd works with, besides what its jobs get (wsh/setup.c); SYS_ADMIN until its filter is loaded, because without
 * no_new_privs the kernel demands it.
 */
#define WSHD_CAPABILITIES (CAPABILITY(CAP_KILL) | CAPABILITY(CAP_SETUID) | CAPABILITY(CAP_SETGID) | CAPABILITY(CAP_SETPCAP) | \
	CAPABILITY(CAP_CHOWN) | CAPABILITY(CAP_SYS_PTRACE) | CAPABILITY(CAP_SYS_ADMIN))

/* Takes these out of the calling process's bounding set; bits the kernel does not know are skipped. */
int capability_drop_bounding(uint64_t dropped, struct error *err);

#endif
