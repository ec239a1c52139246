#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <linux/stat.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "lib/fd.h"
#include "launcher/disk.h"

static bool is_mounted_on(int directory, const char *name)
{
	struct statx status;

	return statx(directory, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &status) == 0 && (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

/* 0: it is not on a btrfs. */
static uint64_t subvolume_id(int directory, const char *name)
{
	struct btrfs_ioctl_ino_lookup_args lookup = { .objectid = BTRFS_FIRST_FREE_OBJECTID };
	_cleanup_close_ int fd = openat(directory, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	return fd >= 0 && ioctl(fd, BTRFS_IOC_INO_LOOKUP, &lookup) == 0 ? lookup.treeid : 0;
}

/* Of anything else than a subvolume it is refused. */
static void delete_subvolume(int directory, const char *name)
{
	struct btrfs_ioctl_vol_args arguments = { 0 };
	struct btrfs_ioctl_qgroup_create_args group = { .qgroupid = subvolume_id(directory, name) };

	snprintf(arguments.name, sizeof(arguments.name), "%s", name);
	if (group.qgroupid == 0 || ioctl(directory, BTRFS_IOC_SNAP_DESTROY, &arguments) < 0)
		return;
	/* Since Linux 6.10 its qgroup goes with it, and is busy until then; before, nobody else would ever remove it. */
	ioctl(directory, BTRFS_IOC_QGROUP_CREATE, &group);
}

void disk_take_apart(int directory, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", directory, name);
	if (is_mounted_on(directory, name))
		umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
	delete_subvolume(directory, name);
}
