/* A quota in the kernel's two forms and in ours. Pure. */
#ifndef WARDEN_QUOTA_FORMATS_H
#define WARDEN_QUOTA_FORMATS_H

#include <linux/dqblk_xfs.h>
#include <linux/quota.h>

#include "lib/quota.h"

void quota_from_generic(const struct if_dqblk *from, struct quota *ret_quota);
void quota_from_xfs(const struct fs_disk_quota *from, struct quota *ret_quota);

/* ERANGE: bytes that do not fit into 63 bits, as which the kernel counts. */
int quota_limits_check(const struct quota_limits *limits, struct error *err);
void quota_limits_to_generic(const struct quota_limits *limits, struct if_dqblk *ret_block);
void quota_limits_to_xfs(const struct quota_limits *limits, uint32_t kind, uint32_t id, struct fs_disk_quota *ret_quota);

#endif
