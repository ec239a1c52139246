/* Tries to get out of a disk limit by the file system's own means, on the directory that it is given: prints errno of each, 0 where it worked. */
#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void report(const char *what, int result)
{
	printf("%s %d\n", what, result < 0 ? errno : 0);
}

int main(int argc, char **argv)
{
	struct btrfs_ioctl_vol_args subvolume = { .name = "escape" };
	struct btrfs_ioctl_vol_args_v2 snapshot = { .name = "escaped" };
	struct btrfs_ioctl_qgroup_limit_args limit = { .lim = { .flags = BTRFS_QGROUP_LIMIT_MAX_RFER, .max_rfer = (__u64)-1 } };
	struct btrfs_ioctl_quota_ctl_args off = { .cmd = BTRFS_QUOTA_CTL_DISABLE };
	struct fsxattr attributes = { 0 };
	int fd = open(argc > 1 ? argv[1] : ".", O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		return 1;
	snapshot.fd = fd;
	report("subvolume", ioctl(fd, BTRFS_IOC_SUBVOL_CREATE, &subvolume));
	report("snapshot", ioctl(fd, BTRFS_IOC_SNAP_CREATE_V2, &snapshot));
	report("limit", ioctl(fd, BTRFS_IOC_QGROUP_LIMIT, &limit));
	if (argc <= 1)
		report("quotas", ioctl(fd, BTRFS_IOC_QUOTA_CTL, &off));
	attributes.fsx_projid = 7;
	report("project", ioctl(fd, FS_IOC_FSSETXATTR, &attributes));
	return 0;
}
