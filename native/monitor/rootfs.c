#include "monitor/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "lib/fault.h"
#include "lib/fd.h"
#include "lib/steps.h"
#include "lib/syscalls.h"
#include "monitor/mask.h"
#include "monitor/nested.h"

#define PROC_MAGIC 0x9fa0
#define SYSFS_MAGIC 0x62656572
#define MAX_TRIES 10000
/* Directories of the minimal mount namespace (launcher/namespaces.c). */
#define ASSEMBLY_PROC "/assembly/proc"
#define ASSEMBLY_SYS "/assembly/sys"
#define ASSEMBLY_DEV "/assembly/dev"
#define NO_EXEC (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

int rootfs_make_mount(const char *type, const struct mount_option *options, unsigned int attributes, int *ret_mount, struct error *err)
{
	_cleanup_close_ int fs = sys_fsopen(type, FSOPEN_CLOEXEC);

	if (fs < 0)
		return error_set(err, errno, "fsopen %s", type);
	for (; options->key != NULL; options++)
		if (sys_fsconfig(fs, options->value != NULL ? WARDEN_FSCONFIG_SET_STRING : WARDEN_FSCONFIG_SET_FLAG, options->key, options->value, 0) < 0)
			return error_set(err, errno, "%s %s=%s", type, options->key, options->value != NULL ? options->value : "");
	if (sys_fsconfig(fs, WARDEN_FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return error_set(err, errno, "%s", type);
	*ret_mount = sys_fsmount(fs, FSMOUNT_CLOEXEC, attributes);
	return *ret_mount < 0 ? error_set(err, errno, "fsmount %s", type) : 0;
}

/* In the child's own namespace, until the root is there. */
static int attach_aside(int tree, const char *place, struct error *err)
{
	if (sys_move_mount(tree, "", AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_set(err, errno, "%s", place);
	return 0;
}

static int attach(int tree, int target, const char *name, struct error *err)
{
	if (sys_move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return error_set(err, errno, "%s", name);
	return 0;
}

int rootfs_attach_at(int tree, int parent, const char *name, struct error *err)
{
	_cleanup_close_ int target = -1;

	target = sys_openat2(parent, name, O_PATH | O_DIRECTORY | O_CLOEXEC, 0, WARDEN_RESOLVE_BENEATH | WARDEN_RESOLVE_NO_SYMLINKS);
	if (target < 0 && errno == ENOENT && mkdirat(parent, name, 0755) == 0)
		target = sys_openat2(parent, name, O_PATH | O_DIRECTORY | O_CLOEXEC, 0, WARDEN_RESOLVE_BENEATH | WARDEN_RESOLVE_NO_SYMLINKS);
	if (target < 0)
		return error_set(err, errno, errno == ELOOP ? "/%s of the image is a symbolic link; make it a directory" : "/%s of the image", name);
	return attach(tree, target, name, err);
}

static int fill_dev(const struct rootfs *rootfs, const struct description *description, struct error *err)
{
	char size[32], inodes[32];
	const struct mount_option pts_options[] = { { "newinstance", NULL }, { "ptmxmode", "0666" }, { "mode", "0620" }, { "gid", "5" }, { 0 } };
	const struct mount_option shm_options[] = { { "mode", "1777" }, { "size", size }, { "nr_inodes", inodes }, { 0 } };
	_cleanup_close_ int pts = -1, shm = -1;

	snprintf(size, sizeof(size), "%llu", (unsigned long long)description->shm_size);
	/* An inode costs the host about a kilobyte that `size` does not count. */
	snprintf(inodes, sizeof(inodes), "%llu", (unsigned long long)(description->shm_size / 4096 < 1024 ? 1024 : description->shm_size / 4096));
	if (rootfs_make_mount("devpts", pts_options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, &pts, err) < 0 || rootfs_attach_at(pts, rootfs->dev, "pts", err) < 0)
		return -1;
	if (rootfs_make_mount("tmpfs", shm_options, NO_EXEC, &shm, err) < 0)
		return -1;
	return rootfs_attach_at(shm, rootfs->dev, "shm", err);
}

int rootfs_prepare(struct rootfs *rootfs, const struct description *description, struct error *err)
{
	static const struct mount_option none[] = { { 0 } };
	struct statfs status;

	if (step_begin(STEP_MOUNT_PROC, err) < 0 || rootfs_make_mount("proc", none, NO_EXEC, &rootfs->proc, err) < 0)
		return -1;
	if (fstatfs(rootfs->proc, &status) < 0 || status.f_type != PROC_MAGIC)
		return error_set(err, EINVAL, "not a proc file system");
	if (attach_aside(rootfs->proc, ASSEMBLY_PROC, err) < 0)
		return -1;
	if (step_begin(STEP_MOUNT_SYS, err) < 0 || rootfs_make_mount("sysfs", none, NO_EXEC | (description->nested ? 0 : MOUNT_ATTR_RDONLY), &rootfs->sys, err) < 0)
		return -1;
	if (attach_aside(rootfs->sys, ASSEMBLY_SYS, err) < 0 || (description->nested && nested_mount_cgroups(rootfs->sys, description, err) < 0))
		return -1;
	if (step_begin(STEP_SET_PING_GROUPS, err) < 0)
		return -1;
	if (description->ping_groups != NULL && fd_write_file_at(rootfs->proc, "sys/net/ipv4/ping_group_range", description->ping_groups, strlen(description->ping_groups), err) < 0)
		return -1;
	if (step_begin(STEP_MOUNT_DEV, err) < 0 || (description->nested && nested_make_devices(&rootfs->dev, err) < 0))
		return -1;
	if (attach_aside(rootfs->dev, ASSEMBLY_DEV, err) < 0 || fill_dev(rootfs, description, err) < 0)
		return -1;
	if (step_begin(STEP_MASK_PATHS, err) < 0)
		return -1;
	return description->nested ? 0 : mask_paths(rootfs->proc, rootfs->sys, rootfs->dev, err);
}

/* Nothing is mounted over the kernel's own files: programs, and what is made by path, must be able to rely on them. */
static bool is_of_kernel(int place)
{
	struct statfs status;

	return fstatfs(place, &status) < 0 || status.f_type == PROC_MAGIC || status.f_type == SYSFS_MAGIC;
}

/* With ".." on the way the kernel gives up (EAGAIN) when anything anywhere is renamed meanwhile, which another container may do all the time. */
static int open_in_root(int root, const char *path, uint64_t flags)
{
	int found = -1;

	for (int tries = 0; tries < MAX_TRIES; tries++) {
		found = sys_openat2(root, path, flags, 0, WARDEN_RESOLVE_IN_ROOT | WARDEN_RESOLVE_NO_MAGICLINKS);
		if (found >= 0 || errno != EAGAIN)
			break;
	}
	return found;
}

/*
 * Finds the place of a volume inside the root, making what is missing: directories, and for a source that is a file an
 * empty file. Each prefix is resolved as a whole, so that links of the image work, within the image.
 */
static int open_destination(int root, const char *destination, bool directory, int *ret_target, struct error *err)
{
	_cleanup_close_ int parent = fcntl(root, F_DUPFD_CLOEXEC, 0);
	char prefix[4097] = "";

	for (const char *next = destination; parent >= 0;) {
		next += strspn(next, "/");
		size_t length = strcspn(next, "/");
		const char *name = next;
		char part[256];

		if (length == 0) {
			*ret_target = steal_fd(&parent);
			return 0;
		}
		next += length;
		bool last = next[strspn(next, "/")] == '\0';

		if (length >= sizeof(part) || strlen(prefix) + length + 2 > sizeof(prefix))
			return error_set(err, ENAMETOOLONG, "%s", destination);
		snprintf(part, sizeof(part), "%.*s", (int)length, name);
		snprintf(prefix + strlen(prefix), sizeof(prefix) - strlen(prefix), "/%s", part);
		uint64_t flags = O_PATH | O_CLOEXEC | (last && !directory ? 0 : O_DIRECTORY);
		int found = open_in_root(root, prefix, flags);

		if (found < 0 && errno == ENOENT) {
			int made = last && !directory ? openat(parent, part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644) : mkdirat(parent, part, 0755);

			if (made < 0)
				return error_set(err, errno, "%s", prefix);
			if (last && !directory)
				close_fd(made);
			found = open_in_root(root, prefix, flags);
		}
		if (found < 0)
			return error_set(err, errno, "%s", prefix);
		if (is_of_kernel(found)) {
			close_fd(found);
			return error_set(err, EPERM, "%s", prefix);
		}
		close_fd(parent);
		parent = found;
	}
	return error_set(err, errno, "%s", destination);
}

static int mount_volumes(const struct rootfs *rootfs, const int *volumes, const struct description *description, struct error *err)
{
	for (size_t i = 0; i < description->volume_count; i++) {
		const char *destination = description->volumes[i].destination;
		_cleanup_close_ int target = -1;
		struct stat status;

		if (fstat(volumes[i], &status) < 0)
			return error_set(err, errno, "source for %s", destination);
		if (open_destination(rootfs->root, destination, S_ISDIR(status.st_mode), &target, err) < 0)
			return -1;
		if (attach(volumes[i], target, destination, err) < 0)
			return -1;
	}
	return 0;
}

int rootfs_assemble(struct rootfs *rootfs, const int *volumes, const struct description *description, struct error *err)
{
	if (step_begin(STEP_ATTACH_ROOT, err) < 0)
		return -1;
	if (sys_move_mount(rootfs->root, "", AT_FDCWD, "/root", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_set(err, errno, "/root");
	if (rootfs_attach_at(rootfs->proc, rootfs->root, "proc", err) < 0 || rootfs_attach_at(rootfs->sys, rootfs->root, "sys", err) < 0 ||
	    rootfs_attach_at(rootfs->dev, rootfs->root, "dev", err) < 0)
		return -1;
	if (step_begin(STEP_MOUNT_VOLUMES, err) < 0)
		return -1;
	return mount_volumes(rootfs, volumes, description, err);
}
