/* The mounts that need the host's mount tree: made here as detached mounts, attached by PID 1 inside. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "floor/floor.h"
#include "lib/fd.h"
#include "lib/syscalls.h"

static int fill_dev(int root, struct error *err)
{
	static const struct { const char *name; unsigned int major, minor; } nodes[] = {
		{ "null", 1, 3 }, { "zero", 1, 5 }, { "full", 1, 7 }, { "random", 1, 8 }, { "urandom", 1, 9 }, { "tty", 5, 0 },
	};
	static const struct { const char *name, *target; } links[] = {
		{ "fd", "/proc/self/fd" }, { "stdin", "/proc/self/fd/0" }, { "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
		{ "ptmx", "pts/ptmx" },
	};

	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
		if (mknodat(root, nodes[i].name, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)) < 0)
			return error_set(err, errno, "/dev/%s", nodes[i].name);
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (symlinkat(links[i].target, root, links[i].name) < 0)
			return error_set(err, errno, "/dev/%s", links[i].name);
	if (mkdirat(root, "pts", 0755) < 0 || mkdirat(root, "shm", 01777) < 0)
		return error_set(err, errno, "/dev/pts and /dev/shm");
	return 0;
}

int mounts_make_dev(const char *place, struct error *err)
{
	_cleanup_close_ int context = sys_fsopen("tmpfs", FSOPEN_CLOEXEC);
	struct warden_mount_attr attributes = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSUID };

	if (context < 0 || sys_fsconfig(context, WARDEN_FSCONFIG_SET_STRING, "mode", "755", 0) < 0 ||
	    sys_fsconfig(context, WARDEN_FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return error_set(err, errno, "tmpfs for /dev");
	_cleanup_close_ int tree = sys_fsmount(context, FSMOUNT_CLOEXEC, 0);

	if (tree < 0)
		return error_set(err, errno, "tmpfs for /dev");
	mode_t mask = umask(0);
	int filled = fill_dev(tree, err);

	umask(mask);
	if (filled < 0)
		return -1;
	if (sys_mount_setattr(tree, "", AT_EMPTY_PATH, &attributes) < 0)
		return error_set(err, errno, "/dev read-only");
	/* Attached in the floor's own mount namespace: clones of a detached tree need Linux 6.15. */
	if (sys_move_mount(tree, "", AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_set(err, errno, "%s", place);
	return steal_fd(&tree);
}

int mounts_idmapped(const char *path, int directory, uint64_t attributes, int user_namespace, struct error *err)
{
	struct warden_mount_attr map = { .attr_set = attributes | MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)user_namespace };
	_cleanup_close_ int tree = sys_open_tree(directory, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);

	if (tree < 0 || sys_mount_setattr(tree, "", AT_EMPTY_PATH, &map) < 0)
		return error_set(err, errno, "id-mapped mount of %s", path[0] != '\0' ? path : "/dev");
	return steal_fd(&tree);
}

static int set_overlay(int context, int lower, int upper, int work)
{
	static const char *const options[][2] = { { "redirect_dir", "on" }, { "metacopy", "off" }, { "index", "off" } };

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (sys_fsconfig(context, WARDEN_FSCONFIG_SET_STRING, options[i][0], options[i][1], 0) < 0)
			return -1;
	if (sys_fsconfig(context, WARDEN_FSCONFIG_SET_FLAG, "volatile", NULL, 0) < 0 ||
	    sys_fsconfig(context, WARDEN_FSCONFIG_SET_FD, "lowerdir+", NULL, lower) < 0 ||
	    sys_fsconfig(context, WARDEN_FSCONFIG_SET_FD, "upperdir", NULL, upper) < 0 ||
	    sys_fsconfig(context, WARDEN_FSCONFIG_SET_FD, "workdir", NULL, work) < 0)
		return -1;
	return sys_fsconfig(context, WARDEN_FSCONFIG_CMD_CREATE, NULL, NULL, 0);
}

int mounts_overlay(const struct floor *floor, unsigned int index, int user_namespace, struct error *err)
{
	char path[64];
	_cleanup_close_ int lower = mounts_idmapped(floor->lower, AT_FDCWD, 0, user_namespace, err);

	if (lower < 0)
		return -1;
	snprintf(path, sizeof(path), "%u/upper", index);
	_cleanup_close_ int upper = openat(floor->depot_fd, path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);

	snprintf(path, sizeof(path), "%u/work", index);
	_cleanup_close_ int work = openat(floor->depot_fd, path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int context = sys_fsopen("overlay", FSOPEN_CLOEXEC);

	if (upper < 0 || work < 0 || context < 0 || set_overlay(context, lower, upper, work) < 0)
		return error_set(err, errno, "overlay %u", index);
	int mount = sys_fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NODEV);

	return mount >= 0 ? mount : error_set(err, errno, "overlay %u", index);
}
