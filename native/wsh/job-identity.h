/* Who a job is: capabilities, user, groups. Raw system calls only, because they run in a child that shares wshd's memory. */
#ifndef WARDEN_WSH_JOB_IDENTITY_H
#define WARDEN_WSH_JOB_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "wsh/wshd.h"

/* Bounding, permitted and effective set become `capabilities`; inheritable and ambient become empty. */
int identity_keep_capabilities(uint64_t capabilities, struct error *err);

/* setgroups to none, then gid, uid and capabilities; no_new_privs unless privileged. In a nested container there may be more later: the bounding set stays, and no_new_privs is not set. */
int identity_assume(uint32_t uid, uint32_t gid, bool privileged, const struct wshd *wshd, struct error *err);
/* Takes out of the set what this process does not have. */
int identity_limit_to_own(uint64_t *capabilities, struct error *err);

#endif
