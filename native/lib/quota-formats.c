#include "lib/quota-formats.h"

#include <errno.h>
#include <string.h>

/* XFS counts in 512-byte "basic blocks", whatever its own block size is. */
enum { BASIC_BLOCK_SIZE = 512, BASIC_BLOCKS = QUOTA_BLOCK_SIZE / BASIC_BLOCK_SIZE };

void quota_from_generic(const struct if_dqblk *from, struct quota *ret_quota)
{
	*ret_quota = (struct quota){
		.space_in_bytes = from->dqb_curspace,
		.soft_blocks = from->dqb_bsoftlimit,
		.hard_blocks = from->dqb_bhardlimit,
		.block_grace_end = from->dqb_btime,
		.inodes = from->dqb_curinodes,
		.soft_inodes = from->dqb_isoftlimit,
		.hard_inodes = from->dqb_ihardlimit,
		.inode_grace_end = from->dqb_itime,
	};
}

/* The lower 32 bits are signed only without FS_DQ_BIGTIME, and never below zero. */
static uint64_t grace_end(const struct fs_disk_quota *from, int32_t low, int8_t high)
{
	uint64_t seconds = (uint32_t)low;

	return from->d_fieldmask & FS_DQ_BIGTIME ? seconds | (uint64_t)(uint8_t)high << 32 : seconds;
}

void quota_from_xfs(const struct fs_disk_quota *from, struct quota *ret_quota)
{
	*ret_quota = (struct quota){
		.space_in_bytes = from->d_bcount * BASIC_BLOCK_SIZE,
		.soft_blocks = from->d_blk_softlimit / BASIC_BLOCKS,
		.hard_blocks = from->d_blk_hardlimit / BASIC_BLOCKS,
		.block_grace_end = grace_end(from, from->d_btimer, from->d_btimer_hi),
		.inodes = from->d_icount,
		.soft_inodes = from->d_ino_softlimit,
		.hard_inodes = from->d_ino_hardlimit,
		.inode_grace_end = grace_end(from, from->d_itimer, from->d_itimer_hi),
	};
}

int quota_limits_check(const struct quota_limits *limits, struct error *err)
{
	if (limits->has_blocks && limits->blocks > INT64_MAX / QUOTA_BLOCK_SIZE)
		return error_set(err, ERANGE, "a limit of %llu blocks", (unsigned long long)limits->blocks);
	if (limits->has_inodes && limits->inodes > INT64_MAX)
		return error_set(err, ERANGE, "a limit of %llu inodes", (unsigned long long)limits->inodes);
	return 0;
}

void quota_limits_to_generic(const struct quota_limits *limits, struct if_dqblk *ret_block)
{
	memset(ret_block, 0, sizeof(*ret_block));
	if (limits->has_blocks) {
		ret_block->dqb_bhardlimit = limits->blocks;
		ret_block->dqb_valid |= QIF_BLIMITS;
	}
	if (limits->has_inodes) {
		ret_block->dqb_ihardlimit = limits->inodes;
		ret_block->dqb_valid |= QIF_ILIMITS;
	}
}

void quota_limits_to_xfs(const struct quota_limits *limits, uint32_t kind, uint32_t id, struct fs_disk_quota *ret_quota)
{
	memset(ret_quota, 0, sizeof(*ret_quota));
	ret_quota->d_version = FS_DQUOT_VERSION;
	ret_quota->d_id = id;
	ret_quota->d_flags = kind == QUOTA_PROJECT ? FS_PROJ_QUOTA : FS_USER_QUOTA;
	if (limits->has_blocks) {
		ret_quota->d_blk_hardlimit = limits->blocks * BASIC_BLOCKS;
		ret_quota->d_fieldmask |= FS_DQ_BSOFT | FS_DQ_BHARD;
	}
	if (limits->has_inodes) {
		ret_quota->d_ino_hardlimit = limits->inodes;
		ret_quota->d_fieldmask |= FS_DQ_ISOFT | FS_DQ_IHARD;
	}
}
