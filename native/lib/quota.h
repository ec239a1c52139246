/*
 * Disk quotas of the kernel, of users and of projects: what of a file system's space and inodes the files of one id take, and how much
 * they may. Asked by quotactl_fd(2) of Linux 5.14, with a directory: no device has to be found. XFS is asked in its own
 * terms, every other file system in the generic ones.
 *
 * A project is a number that a directory hands on to all that is made in it. Only a process of the initial user namespace can change it.
 */
#ifndef WARDEN_QUOTA_H
#define WARDEN_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/wire.h"

#define QUOTA_BLOCK_SIZE 1024

struct quota {
	uint64_t space_in_bytes;      /* used, with what is reserved for data that is not written yet */
	uint64_t soft_blocks;         /* of QUOTA_BLOCK_SIZE; 0: no limit */
	uint64_t hard_blocks;
	uint64_t block_grace_end;     /* seconds since the epoch; 0: not above the soft limit */
	uint64_t inodes;
	uint64_t soft_inodes;
	uint64_t hard_inodes;
	uint64_t inode_grace_end;
};

/* Hard limits; there are no soft ones beside them, and those that were there go. 0 takes the limit away. */
struct quota_limits {
	bool has_blocks;              /* else they stay as they are */
	bool has_inodes;
	uint64_t blocks;
	uint64_t inodes;
};

struct quota_file_system {
	int directory;                /* the caller's */
	bool xfs;
};

int quota_open(int directory, struct quota_file_system *ret_file_system, struct error *err);

/* kind: QUOTA_USER or QUOTA_PROJECT. Errors of all three: ENOSYS no quotas here at all; ESRCH none of this kind; EPERM needs CAP_SYS_ADMIN. */

/* Whether writes beyond a limit fail: a file system may also only count. */
int quota_is_enforced(const struct quota_file_system *file_system, uint32_t kind, bool *ret_enforced, struct error *err);
/* An id that has nothing is all zeros. */
int quota_read(const struct quota_file_system *file_system, uint32_t kind, uint32_t id, struct quota *ret_quota, struct error *err);
/* ERANGE: more than the file system can express. */
int quota_limit(const struct quota_file_system *file_system, uint32_t kind, uint32_t id, const struct quota_limits *limits, struct error *err);

/* Gives an (empty) directory to a project, and what is made in it from now on. EOPNOTSUPP: this file system has no projects. */
int project_assign(int directory, uint32_t project, struct error *err);
/* The project that a directory hands on. ENODATA: none. */
int project_read(int directory, uint32_t *ret_project, struct error *err);

#endif
