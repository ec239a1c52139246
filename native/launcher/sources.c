#include "launcher/sources.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/fault.h"
#include "lib/fd.h"
#include "lib/syscalls.h"
#include "launcher/steps.h"

static void add(struct sources *sources, int fd)
{
	sources->fds[sources->count++] = fd;
}

/* A detached copy of the mount: what the monitor does with it cannot be seen in any mount table. */
static int add_tree(struct sources *sources, const char *path, unsigned int flags, bool directory_only, struct error *err)
{
	int fd = sys_open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags);
	struct stat status;

	if (fd < 0)
		return error_set(err, errno, "%s", path);
	add(sources, fd);
	if (!directory_only)
		return 0;
	if (fstat(fd, &status) < 0)
		return error_set(err, errno, "%s", path);
	return S_ISDIR(status.st_mode) ? 0 : error_set(err, ENOTDIR, "%s", path);
}

/* The directory of a regular file, when the file is what the directory has by that name, and not a mount upon it; else the file. */
static int add_file(struct sources *sources, const char *path, int file, struct error *err)
{
	struct stat wanted, found;
	const char *name = strrchr(path, '/') + 1;
	_cleanup_close_ int parent = -1, tree = -1;
	char directory[PATH_MAX];

	snprintf(directory, sizeof(directory), "%.*s", (int)(name - path), path);
	parent = sys_openat2(AT_FDCWD, directory, O_PATH | O_DIRECTORY | O_CLOEXEC, 0, WARDEN_RESOLVE_NO_SYMLINKS | WARDEN_RESOLVE_NO_MAGICLINKS);
	if (parent < 0 || fstat(file, &wanted) < 0)
		return error_set(err, errno, "%s", path);
	if (!S_ISREG(wanted.st_mode))
		return error_set(err, EINVAL, "%s is no regular file any more", path);
	tree = sys_open_tree(parent, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (tree < 0)
		return error_set(err, errno, "%s", directory);
	bool same = fstatat(tree, name, &found, AT_SYMLINK_NOFOLLOW) == 0 && found.st_dev == wanted.st_dev && found.st_ino == wanted.st_ino;

	if (!same) {
		close_fd(tree);
		tree = sys_open_tree(file, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	}
	if (tree < 0)
		return error_set(err, errno, "%s", path);
	add(sources, steal_fd(&tree));
	return 0;
}

/* What a client named and wardend has resolved: a link that somebody has put there since is not followed. */
static int add_resolved(struct sources *sources, const struct mount_source *mount, struct error *err)
{
	_cleanup_close_ int source = sys_openat2(AT_FDCWD, mount->path, O_PATH | O_CLOEXEC, 0, WARDEN_RESOLVE_NO_SYMLINKS | WARDEN_RESOLVE_NO_MAGICLINKS);

	if (source < 0)
		return error_set(err, errno, "%s", mount->path);
	if (mount->flags & MOUNT_FLAG_FILE)
		return add_file(sources, mount->path, source, err);
	int tree = sys_open_tree(source, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | (mount->flags & MOUNT_FLAG_RECURSIVE ? AT_RECURSIVE : 0));

	if (tree < 0)
		return error_set(err, errno, "%s", mount->path);
	add(sources, tree);
	return 0;
}

/* A layer of the root: wardend names it by a path without links, and one that came since, in a directory that a container can write to, is not followed. */
static int add_lower(struct sources *sources, const char *path, struct error *err)
{
	_cleanup_close_ int layer = sys_openat2(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0, WARDEN_RESOLVE_NO_SYMLINKS | WARDEN_RESOLVE_NO_MAGICLINKS);
	int tree = layer < 0 ? -1 : sys_open_tree(layer, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);

	if (tree < 0)
		return error_set(err, errno, "%s", path);
	add(sources, tree);
	return 0;
}

static int add_mount(struct sources *sources, const struct mount_source *mount, struct error *err)
{
	if (mount->flags & MOUNT_FLAG_NO_LINKS)
		return add_resolved(sources, mount, err);
	return add_tree(sources, mount->path, mount->flags & MOUNT_FLAG_RECURSIVE ? AT_RECURSIVE : 0, false, err);
}

static int add_parent(struct sources *sources, const char *path, struct error *err)
{
	char parent[PATH_MAX];
	size_t length = (size_t)(strrchr(path, '/') - path);

	if (length == 0)
		return error_set(err, EINVAL, "%s", path);
	memcpy(parent, path, length);
	parent[length] = '\0';
	int fd = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_set(err, errno, "%s", parent);
	add(sources, fd);
	return 0;
}

static bool has_hook(const struct description *description, uint32_t point)
{
	for (size_t i = 0; i < description->hook_count; i++)
		if (description->hooks[i].point == point)
			return true;
	return false;
}

/* The mount namespace that programs of the host run in; its root for those that only see it; those that run where there is nothing of it. */
static int add_hooks(struct sources *sources, const struct host *host, const struct description *description, struct error *err)
{
	if (description->hook_count == 0)
		return 0;
	int fd = fcntl(host->namespaces.own_mounts, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return error_set(err, errno, "mount namespace");
	add(sources, fd);
	if (has_hook(description, HOOK_CHILD_BEFORE_PIVOT) && add_tree(sources, "/", AT_RECURSIVE, true, err) < 0)
		return -1;
	for (size_t i = 0; i < description->hook_count; i++) {
		if (description->hooks[i].point != HOOK_CHILD_AFTER_PIVOT)
			continue;
		fd = open(description->hooks[i].program, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		if (fd < 0)
			return error_set(err, errno, "%s", description->hooks[i].program);
		add(sources, fd);
	}
	return 0;
}

int sources_open(struct sources *ret_sources, const struct host *host, const struct description *description, struct error *err)
{
	struct sources *sources = ret_sources;
	struct error missing = { 0 };

	sources->count = 0;
	add(sources, host->wshd);
	add(sources, host->filter);
	add(sources, host->files);
	int devices = namespaces_clone_devices(&host->namespaces, err);

	if (devices < 0)
		return -1;
	add(sources, devices);
	if (step_begin(STEP_OPEN_DIRECTORY, err) < 0 || add_tree(sources, description->directory, 0, true, err) < 0)
		return -1;
	if (description->disk != NULL && add_tree(sources, description->disk, 0, true, err) < 0)
		return -1;
	if (step_begin(STEP_OPEN_ROOT, err) < 0)
		return -1;
	for (size_t i = 0; i < description->lower_count; i++)
		if (add_lower(sources, description->lowers[i], err) < 0)
			return -1;
	if (step_begin(STEP_OPEN_MOUNT, err) < 0)
		return -1;
	for (size_t i = 0; i < description->mount_count; i++)
		if (add_mount(sources, &description->mounts[i], err) < 0)
			return -1;
	/* The directory that the container's group is to be made in; the group's own name is the monitor's matter. */
	if (step_begin(STEP_OPEN_CGROUP, err) < 0)
		return -1;
	for (size_t i = 0; i < description->cgroup_count; i++)
		if (add_parent(sources, description->cgroups[i], err) < 0)
			return -1;
	if (step_begin(STEP_OPEN_HOOK, err) < 0 || add_hooks(sources, host, description, err) < 0)
		return -1;
	/* Where the monitor looks for syslog's socket, again and again. A host without one has containers all the same. */
	if (description->syslog_socket != NULL)
		add_parent(sources, description->syslog_socket, &missing);
	return 0;
}

void sources_close(struct sources *sources)
{
	for (size_t i = SOURCES_SHARED; i < sources->count; i++)
		close_fd(sources->fds[i]);
	sources->count = 0;
}
