/* Who a job is: capabilities, user, groups. Raw system calls only, because they run in a child that shares wshd's memory. */
#ifndef WARDEN_WSH_JOB_IDENTITY_H
#define WARDEN_WSH_JOB_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"

/* Bounding, permitted and effective set become `capabilities`; inheritable and ambient become empty. */
int identity_keep_capabilities(uint64_t capabilities, struct error *err);

/* setgroups to none, then gid, uid and capabilities; no_new_privs unless privileged. */
int identity_assume(uint32_t uid, uint32_t gid, bool privileged, uint64_t capabilities, struct error *err);

#endif
