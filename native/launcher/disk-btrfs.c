/*
 * Disks as subvolumes of a btrfs, each with a limit of its own (qgroup). The file system is one image for the whole depot, mounted over the directory
 * of disks for as long as there are containers: it outlives the launcher.
 *
 * Simple quotas (Linux 6.7): an extent belongs to the subvolume that it was first written for, which is the only one that ever has it here. They cost next to nothing.
 * An older kernel has the full ones, which find the owners of an extent again at each commit. Both count metadata, so that empty files and attributes are limited, too.
 *
 * Whoever has a descriptor of the subvolume itself could make another one in it, which the limit does not count (BTRFS_IOC_SUBVOL_CREATE needs no
 * privilege): containers see nothing but an overlay over it, which passes no ioctl on.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "lib/fd.h"
#include "launcher/disk.h"
#include "launcher/loop-device.h"

/* BTRFS_QUOTA_CTL_ENABLE_SIMPLE_QUOTA, which older headers do not have. */
enum { ENABLE_SIMPLE_QUOTAS = 4 };

/* The largest value, which a limit cannot have, takes it away (btrfs_limit_qgroup()). */
#define NO_LIMIT UINT64_MAX

/*
 * discard: space that was freed goes back to the depot's file system at once, which is shared. nossd: metadata is packed, rather than spread over the image by
 * the megabyte. nodatacow: what is overwritten stays in its place, and the image does not grow by it. commit: at
 * the latest so many seconds after it was freed a container's space can be used again. nobarrier: nothing of it has to survive the machine's boot, after which
 * the image is made anew, so no commit, of which each subvolume that is removed takes one, waits for the depot's disk.
 */
#define MOUNT_OPTIONS "discard=sync,nossd,nodatacow,commit=5,nobarrier"

static int open_btrfs(const char *path, struct error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	struct statfs file_system;

	if (fd < 0 || fstatfs(fd, &file_system) < 0)
		return error_set(err, errno, "%s", path);
	if (file_system.f_type != BTRFS_SUPER_MAGIC)
		return error_set(err, EOPNOTSUPP, "%s is not on btrfs", path);
	return steal_fd(&fd);
}

/* A disk. The root of a subvolume always has the same inode number. */
static int open_subvolume(const char *path, struct error *err)
{
	_cleanup_close_ int fd = open_btrfs(path, err);
	struct stat status;

	if (fd < 0)
		return -1;
	if (fstat(fd, &status) < 0)
		return error_set(err, errno, "%s", path);
	return status.st_ino == BTRFS_FIRST_FREE_OBJECTID ? steal_fd(&fd) : error_set(err, EOPNOTSUPP, "%s is no subvolume", path);
}

static int mount_image(const struct disk_order *order, struct error *err)
{
	char device[LOOP_DEVICE_NAME_SIZE];
	_cleanup_close_ int loop = loop_device_of(order->image, device, err);

	if (loop < 0)
		return -1;
	if (mount(device, order->path, "btrfs", MS_NOATIME | MS_NOSUID | MS_NODEV, MOUNT_OPTIONS) < 0)
		return error_set(err, errno, "%s on %s", device, order->path);
	if (mount(NULL, order->path, NULL, MS_PRIVATE, NULL) < 0) {
		int number = errno;

		umount2(order->path, MNT_DETACH);
		return error_set(err, number, "make %s private", order->path);
	}
	return 0;
}

static int enable_quotas(const char *path, struct error *err)
{
	struct btrfs_ioctl_quota_ctl_args simple = { .cmd = ENABLE_SIMPLE_QUOTAS }, full = { .cmd = BTRFS_QUOTA_CTL_ENABLE };
	_cleanup_close_ int fd = open_btrfs(path, err);

	if (fd < 0)
		return -1;
	/* Either is no error when quotas are there already. */
	if (ioctl(fd, BTRFS_IOC_QUOTA_CTL, &simple) == 0 || ioctl(fd, BTRFS_IOC_QUOTA_CTL, &full) == 0)
		return 0;
	return error_set(err, errno, "quotas of %s", path);
}

static int prepare(const struct disk_order *order, struct error *err)
{
	if (order->image[0] != '\0' && mount_image(order, err) < 0)
		return -1;
	if (enable_quotas(order->path, err) == 0)
		return 0;
	if (order->image[0] != '\0')
		umount2(order->path, MNT_DETACH);
	return -1;
}

static int make(const struct disk_order *order, struct error *err)
{
	struct btrfs_ioctl_vol_args arguments = { 0 };
	char parent[PATH_MAX];
	const char *name = strrchr(order->path, '/') + 1;

	snprintf(parent, sizeof(parent), "%.*s", (int)(name - 1 - order->path), order->path);
	_cleanup_close_ int fd = open_btrfs(parent, err);

	if (fd < 0)
		return -1;
	snprintf(arguments.name, sizeof(arguments.name), "%s", name);
	return ioctl(fd, BTRFS_IOC_SUBVOL_CREATE, &arguments) < 0 ? error_set(err, errno, "subvolume %s", order->path) : 0;
}

static int limit(const struct disk_order *order, struct error *err)
{
	/* Group 0 stands for the subvolume's own. */
	struct btrfs_ioctl_qgroup_limit_args arguments = {
		.lim = { .flags = BTRFS_QGROUP_LIMIT_MAX_RFER, .max_rfer = order->byte_limit == 0 ? NO_LIMIT : order->byte_limit },
	};

	_cleanup_close_ int fd = open_subvolume(order->path, err);

	if (fd < 0)
		return -1;
	return ioctl(fd, BTRFS_IOC_QGROUP_LIMIT, &arguments) < 0 ? error_set(err, errno, "limit of %s", order->path) : 0;
}

static int read_number(int group, const char *name, uint64_t *ret_value, struct error *err)
{
	_cleanup_close_ int fd = openat(group, name, O_RDONLY | O_CLOEXEC);
	char text[32];
	ssize_t count = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (count < 0)
		return error_set(err, errno, "%s of a qgroup", name);
	text[count] = '\0';
	return sscanf(text, "%" SCNu64, ret_value) == 1 ? 0 : error_set(err, EBADMSG, "%s of a qgroup: %s", name, text);
}

/* Where the kernel tells what it knows now; the file system itself has the numbers of the last commit. */
static int find_group(int subvolume, const char *path, char ret_group[static DISK_GROUP_SIZE], struct error *err)
{
	struct btrfs_ioctl_ino_lookup_args lookup = { .objectid = BTRFS_FIRST_FREE_OBJECTID };
	struct btrfs_ioctl_fs_info_args info = { 0 };
	const uint8_t *id = info.fsid;

	if (ioctl(subvolume, BTRFS_IOC_INO_LOOKUP, &lookup) < 0 || ioctl(subvolume, BTRFS_IOC_FS_INFO, &info) < 0)
		return error_set(err, errno, "%s", path);
	snprintf(ret_group, DISK_GROUP_SIZE, "/sys/fs/btrfs/%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x/qgroups/0_%" PRIu64, id[0], id[1], id[2],
		 id[3], id[4], id[5], id[6], id[7], id[8], id[9], id[10], id[11], id[12], id[13], id[14], id[15], (uint64_t)lookup.treeid);
	return 0;
}

static int read_state(const struct disk_order *order, struct disk_state *ret_state, struct error *err)
{
	_cleanup_close_ int subvolume = open_subvolume(order->path, err);
	_cleanup_close_ int group = -1;
	uint64_t flags, allocated, reserved;

	if (subvolume < 0 || find_group(subvolume, order->path, ret_state->group, err) < 0)
		return -1;
	group = open(ret_state->group, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (group < 0)
		return error_set(err, errno, "%s", ret_state->group);
	if (read_number(group, "limit_flags", &flags, err) < 0 || read_number(group, "max_referenced", &ret_state->byte_limit, err) < 0 ||
	    read_number(group, "referenced", &allocated, err) < 0 || read_number(group, "rsv_data", &reserved, err) < 0)
		return -1;
	if ((flags & BTRFS_QGROUP_LIMIT_MAX_RFER) == 0)
		ret_state->byte_limit = 0;
	/* Data that is not yet written has no place on the disk, but counts. */
	ret_state->bytes_used = allocated + reserved;
	return 0;
}

const struct disk_kind disk_btrfs = { .prepare = prepare, .make = make, .limit = limit, .read = read_state };
