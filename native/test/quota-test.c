/* lib/quota-formats.c: the kernel's forms of a quota; repquota/arguments.h: ids. */
#include <errno.h>
#include <string.h>

#include "lib/quota-formats.h"
#include "repquota/arguments.h"
#include "test/tap.h"

static void test_reading(void)
{
	const struct if_dqblk generic = {
		.dqb_curspace = 5000, .dqb_bsoftlimit = 1, .dqb_bhardlimit = 1ull << 40, .dqb_btime = 1ull << 33,
		.dqb_curinodes = 7, .dqb_isoftlimit = 8, .dqb_ihardlimit = 9, .dqb_itime = 10,
	};
	struct fs_disk_quota xfs = {
		.d_bcount = 24, .d_blk_softlimit = 2, .d_blk_hardlimit = 1ull << 41, .d_icount = 7, .d_ino_softlimit = 8, .d_ino_hardlimit = 9,
		.d_btimer = -1, .d_btimer_hi = 1, .d_itimer = 10, .d_itimer_hi = 1,
	};
	struct quota quota;

	quota_from_generic(&generic, &quota);
	CHECK(quota.space_in_bytes == 5000 && quota.soft_blocks == 1 && quota.hard_blocks == 1ull << 40 && quota.block_grace_end == 1ull << 33, "space of a generic quota");
	CHECK(quota.inodes == 7 && quota.soft_inodes == 8 && quota.hard_inodes == 9 && quota.inode_grace_end == 10, "inodes of a generic quota");
	quota_from_xfs(&xfs, &quota);
	CHECK(quota.space_in_bytes == 24 * 512 && quota.soft_blocks == 1 && quota.hard_blocks == 1ull << 40 && quota.block_grace_end == UINT32_MAX, "space of an XFS quota: in blocks of 512 bytes");
	CHECK(quota.inodes == 7 && quota.soft_inodes == 8 && quota.hard_inodes == 9 && quota.inode_grace_end == 10, "inodes of an XFS quota");
	xfs.d_fieldmask = FS_DQ_BIGTIME;
	quota_from_xfs(&xfs, &quota);
	CHECK(quota.block_grace_end == 0x1ffffffffull && quota.inode_grace_end == 0x10000000aull, "its times beyond 2106");
}

static void test_limits(void)
{
	const struct quota_limits blocks = { .has_blocks = true, .blocks = 1000, .inodes = 4 }, inodes = { .has_inodes = true, .blocks = 3, .inodes = 2000 };
	const struct quota_limits both = { .has_blocks = true, .has_inodes = true };
	struct if_dqblk generic;
	struct fs_disk_quota xfs;

	quota_limits_to_generic(&blocks, &generic);
	CHECK(generic.dqb_valid == QIF_BLIMITS && generic.dqb_bhardlimit == 1000 && generic.dqb_bsoftlimit == 0, "a limit of space alone, with no soft one");
	quota_limits_to_generic(&inodes, &generic);
	CHECK(generic.dqb_valid == QIF_ILIMITS && generic.dqb_ihardlimit == 2000 && generic.dqb_isoftlimit == 0 && generic.dqb_bhardlimit == 0, "a limit of inodes alone");
	quota_limits_to_generic(&both, &generic);
	CHECK(generic.dqb_valid == (QIF_BLIMITS | QIF_ILIMITS) && generic.dqb_bhardlimit == 0 && generic.dqb_ihardlimit == 0, "0 takes both away");
	quota_limits_to_xfs(&blocks, QUOTA_PROJECT, 77, &xfs);
	CHECK(xfs.d_version == FS_DQUOT_VERSION && xfs.d_flags == FS_PROJ_QUOTA && xfs.d_id == 77, "a project of XFS");
	CHECK(xfs.d_fieldmask == (FS_DQ_BSOFT | FS_DQ_BHARD) && xfs.d_blk_hardlimit == 2000 && xfs.d_blk_softlimit == 0, "its space in blocks of 512 bytes");
	quota_limits_to_xfs(&inodes, QUOTA_USER, 78, &xfs);
	CHECK(xfs.d_flags == FS_USER_QUOTA && xfs.d_id == 78 && xfs.d_fieldmask == (FS_DQ_ISOFT | FS_DQ_IHARD) && xfs.d_ino_hardlimit == 2000, "a user's inodes");
}

static int checked(bool has_blocks, uint64_t blocks, bool has_inodes, uint64_t inodes)
{
	const struct quota_limits limits = { .has_blocks = has_blocks, .blocks = blocks, .has_inodes = has_inodes, .inodes = inodes };
	struct error err = { 0 };

	return quota_limits_check(&limits, &err) == 0 ? 0 : err.number;
}

static void test_range(void)
{
	CHECK(checked(true, (1ull << 53) - 1, true, INT64_MAX) == 0, "as much as the kernel can count");
	CHECK(checked(true, 1ull << 53, false, 0) == ERANGE && checked(true, UINT64_MAX, false, 0) == ERANGE, "more blocks are refused, not cut off");
	CHECK(checked(false, 0, true, 1ull << 63) == ERANGE && checked(false, 0, true, UINT64_MAX) == ERANGE, "and so are more inodes");
	CHECK(checked(false, UINT64_MAX, false, UINT64_MAX) == 0, "what is not set is not looked at");
}

static void test_ids(void)
{
	static const char *const bad[] = { "", " 1", "1 ", "+1", "-1", "0x10", "010", "00", "1e3", "a", "4294967295", "4294967296", "18446744073709551616", "99999999999999999999999" };
	uint32_t id = 1;

	CHECK(id_parse("0", &id) == 0 && id == 0, "0 is an id");
	CHECK(id_parse("4294967294", &id) == 0 && id == 4294967294u, "the last one");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK(id_parse(bad[i], &id) < 0, bad[i][0] != '\0' ? bad[i] : "nothing is no id");
}

int main(void)
{
	test_reading();
	test_limits();
	test_range();
	test_ids();
	return tap_end();
}
