/*
 * A volume is a tree of the host, mapped to the container's ids, without devices, set-user-id and file capabilities. In a writable tree the
 * host would see the latter, too; and a program with capabilities that its user may not have does not even start (EPERM, get_file_caps):
 * Debian's ping is one. Without them it starts, and works by ping_group_range.
 *
 * A read-only directory comes as an overlay without an upper layer. A read-only bind mount would not do: open for writing counts the writer in
 * the inode before it finds the mount read-only (do_dentry_open), and as long as there is a writer nobody can execute the file, on the host
 * neither (ETXTBSY). Root of a container, whose ids the mount maps to the owner's, could keep the host's own /bin/bash from starting.
 * Overlayfs refuses without touching the layer. It does not cross mounts, so trees with mounts inside (MOUNT_FLAG_RECURSIVE) stay bind mounts.
 * A read-only file is taken from an overlay over the directory in which it lies.
 */
#include "monitor/volumes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/fd.h"
#include "lib/syscalls.h"
#include "monitor/mounts.h"

/* Directories of the minimal mount namespace (launcher/namespaces.c). */
#define VOLUME_PLACE "/volume"
/* Two layers are the least that overlayfs takes without an upper one. */
#define VOLUME_LAYERS "/volume:/empty"
/* The host's own file wins. What is added has the host's ids, so nobody owns it there. */
#define VOLUME_LAYERS_AND_ADDITIONS "/volume:/additions"

static int cover_by_overlay(int *tree, const char *layers, struct error *err)
{
	_cleanup_close_ int fs = -1;

	/* Volumes are attached at one place, on top of each other; the overlay has taken its layer when the next one comes. */
	if (sys_move_mount(*tree, "", AT_FDCWD, VOLUME_PLACE, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_set(err, errno, "attach it");
	fs = sys_fsopen("overlay", FSOPEN_CLOEXEC);
	if (fs < 0)
		return error_set(err, errno, "fsopen");
	if (mounts_set_option(fs, "source", "warden", err) < 0 || mounts_set_option(fs, "lowerdir", layers, err) < 0)
		return -1;
	if (sys_fsconfig(fs, WARDEN_FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return mounts_configuration_error(fs, errno, "overlay", err);
	int overlay = sys_fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID);
	if (overlay < 0)
		return error_set(err, errno, "fsmount");
	close_fd(*tree);
	*tree = overlay;
	return 0;
}

/*
 * With the map, root of the container owns what belongs to the host's root, and what it makes belongs to the host's root. Without it only vcap's
 * files have the same owner on both sides, and root of the container makes files of the host id that it has.
 */
static bool keeps_host_ids(const struct volume *volume, uid_t owner)
{
	return volume->flags & MOUNT_FLAG_HOST_IDS || (volume->flags & MOUNT_FLAG_ROOTS_ONLY && owner != 0);
}

/* The file of that name in the overlay over its directory, which is attached first: before Linux 6.15 nothing else can be cloned. */
static int take_file(int *tree, const char *source, struct error *err)
{
	char path[sizeof(VOLUME_PLACE) + NAME_MAX + 1];
	struct stat status;

	if (sys_move_mount(*tree, "", AT_FDCWD, VOLUME_PLACE, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_set(err, errno, "attach it");
	snprintf(path, sizeof(path), VOLUME_PLACE "/%s", strrchr(source, '/') + 1);
	_cleanup_close_ int file = sys_open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);

	if (file < 0 || fstat(file, &status) < 0)
		return error_set(err, errno, "%s", strrchr(source, '/') + 1);
	if (!S_ISREG(status.st_mode))
		return error_set(err, EINVAL, "%s is no regular file any more", strrchr(source, '/') + 1);
	close_fd(*tree);
	*tree = steal_fd(&file);
	return 0;
}

static int prepare(int *tree, const struct volume *volume, int user_namespace, bool nested, struct error *err)
{
	bool read_only = volume->flags & MOUNT_FLAG_READ_ONLY, recursive = volume->flags & MOUNT_FLAG_RECURSIVE;
	uint64_t attributes = MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | (read_only ? MOUNT_ATTR_RDONLY : 0);
	struct stat status;

	/* Before it is mapped: the host's owner. */
	if (fstat(*tree, &status) < 0)
		return error_set(err, errno, "fstat");
	if (keeps_host_ids(volume, status.st_uid))
		user_namespace = -1;
	if (mounts_map(*tree, user_namespace, attributes, recursive ? AT_RECURSIVE : 0, err) < 0)
		return -1;
	/* Root of a nested container has more ways than this one, and an overlay cannot be a layer of its containers: overlayfs maps no ids. */
	if (!read_only || recursive || !S_ISDIR(status.st_mode) || (nested && !(volume->flags & MOUNT_FLAG_FILE)))
		return 0;
	if (cover_by_overlay(tree, volume->flags & MOUNT_FLAG_ADDITIONS ? VOLUME_LAYERS_AND_ADDITIONS : VOLUME_LAYERS, err) < 0)
		return -1;
	return volume->flags & MOUNT_FLAG_FILE ? take_file(tree, volume->source, err) : 0;
}

int volumes_prepare(int *trees, const struct description *description, int user_namespace, struct error *err)
{
	for (size_t i = 0; i < description->volume_count; i++)
		if (prepare(&trees[i], &description->volumes[i], user_namespace, description->nested, err) < 0)
			return error_set(err, err->number, "source of the mount at %s: %.100s", description->volumes[i].destination, err->detail);
	return 0;
}
