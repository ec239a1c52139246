#include "monitor/nested.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/device-nodes.h"
#include "lib/fd.h"
#include "lib/syscalls.h"
#include "monitor/rootfs.h"

#define NO_EXEC (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)
enum { MAX_CONTROLLERS = 16 };

int nested_make_devices(int *dev, struct error *err)
{
	static const struct mount_option options[] = { { "mode", "755" }, { "size", "1m" }, { "nr_inodes", "1024" }, { 0 } };

	*dev = close_fd(*dev);
	if (rootfs_make_mount("tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, dev, err) < 0)
		return -1;
	return device_nodes_make(*dev, err);
}

/* Version 2 gives controllers to groups below one only while that has no processes of its own. */
static int leave_root(int tree, struct error *err)
{
	if (mkdirat(tree, NESTED_INIT_GROUP, 0755) < 0)
		return error_set(err, errno, "cgroup " NESTED_INIT_GROUP);
	return fd_write_file_at(tree, NESTED_INIT_GROUP "/cgroup.procs", "0", 1, err);
}

static int make_hierarchy(const struct cgroup_description *cgroup, int *ret_tree, struct error *err)
{
	struct mount_option options[MAX_CONTROLLERS + 1] = { 0 };
	char names[NAME_MAX + 1] = "", *rest = names;

	if (cgroup->version == 2) {
		if (rootfs_make_mount("cgroup2", options, NO_EXEC, ret_tree, err) < 0)
			return -1;
		return leave_root(*ret_tree, err);
	}
	snprintf(names, sizeof(names), "%s", cgroup->controllers);
	for (size_t i = 0; i < MAX_CONTROLLERS; i++) {
		options[i].key = strsep(&rest, ",");
		if (options[i].key == NULL)
			break;
	}
	return rootfs_make_mount("cgroup", options, NO_EXEC, ret_tree, err);
}

int nested_mount_cgroups(int sys, const struct description *description, struct error *err)
{
	static const struct mount_option options[] = { { "mode", "755" }, { "size", "64k" }, { "nr_inodes", "64" }, { 0 } };
	_cleanup_close_ int directory = -1;

	if (description->cgroup_count == 1 && description->cgroups[0].version == 2) {
		if (make_hierarchy(&description->cgroups[0], &directory, err) < 0)
			return -1;
		return rootfs_attach_at(directory, sys, "fs/cgroup", err);
	}
	if (rootfs_make_mount("tmpfs", options, NO_EXEC, &directory, err) < 0 || rootfs_attach_at(directory, sys, "fs/cgroup", err) < 0)
		return -1;
	for (size_t i = 0; i < description->cgroup_count; i++) {
		const struct cgroup_description *cgroup = &description->cgroups[i];
		_cleanup_close_ int tree = -1;

		/* One whose controllers are not known is not shown. */
		if (cgroup->controllers == NULL)
			continue;
		if (make_hierarchy(cgroup, &tree, err) < 0 || rootfs_attach_at(tree, directory, cgroup->version == 2 ? "unified" : cgroup->controllers, err) < 0)
			return -1;
	}
	return 0;
}

void nested_remove_groups(int group)
{
	int copy = openat(group, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *entry;

	if (entries == NULL) {
		close_fd(copy);
		return;
	}
	while ((entry = readdir(entries)) != NULL) {
		if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		_cleanup_close_ int below = openat(group, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

		if (below >= 0)
			nested_remove_groups(below);
		unlinkat(group, entry->d_name, AT_REMOVEDIR);
	}
	closedir(entries);
}
