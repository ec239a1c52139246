#include "monitor/mounts.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/syscalls.h"

/* By names of one or two digits. */
enum { LISTED_LAYERS = 88 };

int mounts_unshare(struct error *err)
{
	if (unshare(CLONE_NEWNS) < 0)
		return error_set(err, errno, "mount namespace");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return error_set(err, errno, "private mounts");
	return 0;
}

int mounts_map(int tree, int user_namespace, uint64_t attributes, unsigned int flags, struct error *err)
{
	struct warden_mount_attr attr = {
		.attr_set = (user_namespace >= 0 ? MOUNT_ATTR_IDMAP : 0) | attributes, .propagation = MS_PRIVATE,
		.userns_fd = user_namespace >= 0 ? (uint64_t)user_namespace : 0,
	};

	if (sys_mount_setattr(tree, "", AT_EMPTY_PATH | flags, &attr) < 0)
		return error_set(err, errno, errno == EINVAL ? "the file system cannot map ids" : "mount_setattr");
	return 0;
}

int mounts_make_private(int tree, struct error *err)
{
	struct warden_mount_attr attr = { .propagation = MS_PRIVATE };

	if (sys_mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr) < 0)
		return error_set(err, errno, "make a tree private");
	return 0;
}

int mounts_map_layers(const int *lowers, size_t count, int user_namespace, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		char path[32];

		snprintf(path, sizeof(path), "/lower/%zu", i);
		if (mounts_map(lowers[i], user_namespace, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV, 0, err) < 0)
			return error_set(err, err->number, "root file system layer %zu: cannot map ids", i);
		if (sys_move_mount(lowers[i], "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
			return error_set(err, errno, "%s", path);
	}
	return 0;
}

int mounts_configuration_error(int fs, int number, const char *key, struct error *err)
{
	char text[160];
	ssize_t count = read(fs, text, sizeof(text) - 1);

	text[count > 0 ? count : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return error_set(err, number, "%s%s%s", key, count > 0 ? ": " : "", text);
}

int mounts_set_option(int fs, const char *key, const char *value, struct error *err)
{
	if (sys_fsconfig(fs, value != NULL ? WARDEN_FSCONFIG_SET_STRING : WARDEN_FSCONFIG_SET_FLAG, key, value, 0) < 0)
		return mounts_configuration_error(fs, errno, key, err);
	return 0;
}

/*
 * By path: before Linux 6.13 overlayfs takes no descriptors. A text has at most 255 bytes, in which 88 layers have room by names that are relative: the
 * working directory is theirs until the overlay is there, because before Linux 6.5 paths are not looked up earlier. More than that are given one by one, which
 * Linux knows since 6.7.
 */
static int set_layers(int fs, size_t count, struct error *err)
{
	char text[LISTED_LAYERS * 3 + 1] = "";
	int length = 0;

	if (count > LISTED_LAYERS) {
		for (size_t i = 0; i < count; i++) {
			char path[32];

			snprintf(path, sizeof(path), "/lower/%zu", i);
			if (mounts_set_option(fs, "lowerdir+", path, err) < 0)
				return -1;
		}
		return 0;
	}
	for (size_t i = 0; i < count; i++)
		length += snprintf(text + length, sizeof(text) - (size_t)length, "%s%zu", i > 0 ? ":" : "", i);
	return mounts_set_option(fs, "lowerdir", text, err);
}

/* What Linux 6.1 says of an option that it does not know, at once or, as it only collects them, in the end. */
static int lacks_options(size_t lower_count, struct error *err)
{
	if (err->number != EINVAL || lower_count <= LISTED_LAYERS)
		return -1;
	const struct error said = *err;

	return error_set(err, ENOSYS, "%zu layers: %.100s", lower_count, said.detail);
}

int mounts_make_overlay(int container, size_t lower_count, uint64_t attributes, int *ret_overlay, struct error *err)
{
	_cleanup_close_ int fs = -1;

	if (mounts_make_private(container, err) < 0)
		return -1;
	if (sys_move_mount(container, "", AT_FDCWD, "/container", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_set(err, errno, "/container");
	if (chdir("/lower") < 0)
		return error_set(err, errno, "/lower");
	fs = sys_fsopen("overlay", FSOPEN_CLOEXEC);
	if (fs < 0)
		return error_set(err, errno, "fsopen");
	/* volatile: nothing has to survive the machine's boot, so unmounting need not sync. */
	if (mounts_set_option(fs, "source", "warden", err) < 0 || set_layers(fs, lower_count, err) < 0 ||
	    mounts_set_option(fs, "upperdir", "/container/upper", err) < 0 || mounts_set_option(fs, "workdir", "/container/work", err) < 0 ||
	    mounts_set_option(fs, "volatile", NULL, err) < 0 || mounts_set_option(fs, "redirect_dir", "on", err) < 0 ||
	    mounts_set_option(fs, "index", "off", err) < 0 || mounts_set_option(fs, "metacopy", "off", err) < 0)
		return lacks_options(lower_count, err);
	if (sys_fsconfig(fs, WARDEN_FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0) {
		mounts_configuration_error(fs, errno, "overlay", err);
		return lacks_options(lower_count, err);
	}
	if (chdir("/") < 0)
		return error_set(err, errno, "/");
	*ret_overlay = sys_fsmount(fs, FSMOUNT_CLOEXEC, (unsigned int)attributes);
	return *ret_overlay < 0 ? error_set(err, errno, "fsmount") : 0;
}
