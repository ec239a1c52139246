#include "monitor/mask.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/stat.h>

#include "lib/fd.h"
#include "lib/syscalls.h"

/* The directory in the launcher's minimal mount namespace that is empty in the child: only the monitor's own copy has a tree there. */
#define EMPTY_DIRECTORY "/container"

/* Docker's list, and pressure: it tells of the whole machine, and everybody may have the kernel watch thresholds there. */
static const char *const masked_in_proc[] = {
	"acpi", "asound", "interrupts", "kcore", "keys", "latency_stats", "pressure", "sched_debug", "scsi", "timer_list", "timer_stats",
};
static const char *const read_only_in_proc[] = { "bus", "fs", "irq", "sys", "sysrq-trigger" };
static const char *const masked_in_sys[] = { "firmware", "devices/virtual/powercap" };

static int open_target(int root, const char *path)
{
	return sys_openat2(root, path, O_PATH | O_CLOEXEC, 0, WARDEN_RESOLVE_BENEATH | WARDEN_RESOLVE_NO_SYMLINKS);
}

static int cover(int tree, int target, uint64_t attributes, const char *path, struct error *err)
{
	struct warden_mount_attr attr = { .attr_set = attributes };

	if (tree < 0)
		return error_set(err, errno, "%s", path);
	if (attributes != 0 && sys_mount_setattr(tree, "", AT_EMPTY_PATH, &attr) < 0)
		return error_set(err, errno, "%s", path);
	if (sys_move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return error_set(err, errno, "%s", path);
	return 0;
}

static int mask(int root, const char *path, int dev, struct error *err)
{
	_cleanup_close_ int target = open_target(root, path);
	_cleanup_close_ int tree = -1;
	struct stat status;

	if (target < 0)
		return errno == ENOENT ? 0 : error_set(err, errno, "%s", path);
	if (fstat(target, &status) < 0)
		return error_set(err, errno, "%s", path);
	if (S_ISDIR(status.st_mode)) {
		tree = sys_open_tree(AT_FDCWD, EMPTY_DIRECTORY, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
		return cover(tree, target, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, path, err);
	}
	tree = sys_open_tree(dev, "null", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	return cover(tree, target, 0, path, err);
}

static int make_read_only(int root, const char *path, struct error *err)
{
	_cleanup_close_ int target = open_target(root, path);
	_cleanup_close_ int tree = -1;

	if (target < 0)
		return errno == ENOENT ? 0 : error_set(err, errno, "%s", path);
	tree = sys_open_tree(root, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
	return cover(tree, target, MOUNT_ATTR_RDONLY, path, err);
}

int mask_paths(int proc, int sys, int dev, struct error *err)
{
	for (size_t i = 0; i < sizeof(masked_in_proc) / sizeof(masked_in_proc[0]); i++)
		if (mask(proc, masked_in_proc[i], dev, err) < 0)
			return -1;
	for (size_t i = 0; i < sizeof(read_only_in_proc) / sizeof(read_only_in_proc[0]); i++)
		if (make_read_only(proc, read_only_in_proc[i], err) < 0)
			return -1;
	for (size_t i = 0; i < sizeof(masked_in_sys) / sizeof(masked_in_sys[0]); i++)
		if (mask(sys, masked_in_sys[i], dev, err) < 0)
			return -1;
	return 0;
}
