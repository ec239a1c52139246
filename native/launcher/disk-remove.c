#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/stat.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "launcher/disk.h"

static bool is_mounted_on(int directory, const char *name)
{
	struct statx status;

	return statx(directory, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &status) == 0 && (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

void disk_take_apart(int directory, const char *name)
{
	struct btrfs_ioctl_vol_args arguments = { 0 };
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", directory, name);
	if (is_mounted_on(directory, name))
		umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
	/* Of anything else than a subvolume of a btrfs it is refused. */
	snprintf(arguments.name, sizeof(arguments.name), "%s", name);
	ioctl(directory, BTRFS_IOC_SNAP_DESTROY, &arguments);
}
