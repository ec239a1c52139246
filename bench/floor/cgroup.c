/* The container's groups: one in each v1 hierarchy, or a single v2 one where v1 has no controllers. Joined by the child itself. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "floor/floor.h"
#include "lib/fd.h"

static const char parent_name[] = "warden-bench-floor";

static void copy_setting(int root, int parent, const char *name)
{
	char text[256];
	_cleanup_close_ int from = openat(root, name, O_RDONLY | O_CLOEXEC);
	ssize_t size = from < 0 ? -1 : read(from, text, sizeof(text));
	_cleanup_close_ int to = size <= 0 ? -1 : openat(parent, name, O_WRONLY | O_CLOEXEC);

	if (to >= 0 && write(to, text, (size_t)size) < 0)
		fprintf(stderr, "floor: cannot copy %s: %s\n", name, strerror(errno));
}

/* Groups of a run that was killed; one that still has a process stays and is named when it is in the way. */
static void remove_leftovers(int parent)
{
	int copy = openat(parent, ".", O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	DIR *directory = copy < 0 ? NULL : fdopendir(copy);

	if (directory == NULL) {
		close_fd(copy);
		return;
	}
	for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory))
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			unlinkat(parent, entry->d_name, AT_REMOVEDIR);
	closedir(directory);
}

static int open_parent(struct floor *floor, const char *mount_point, bool cpuset, struct error *err)
{
	_cleanup_close_ int root = open(mount_point, O_DIRECTORY | O_RDONLY | O_CLOEXEC);

	if (floor->cgroup_count == FLOOR_MAX_CGROUPS)
		return error_set(err, E2BIG, "%s", mount_point);
	if (root < 0 || (mkdirat(root, parent_name, 0755) < 0 && errno != EEXIST))
		return error_set(err, errno, "%s/%s", mount_point, parent_name);
	int parent = openat(root, parent_name, O_DIRECTORY | O_RDONLY | O_CLOEXEC);

	if (parent < 0)
		return error_set(err, errno, "%s/%s", mount_point, parent_name);
	floor->cgroup_fds[floor->cgroup_count++] = parent;
	remove_leftovers(parent);
	if (cpuset) {
		/* A v1 cpuset without processors and memory takes no process; children inherit both from here. */
		copy_setting(root, parent, "cpuset.cpus");
		copy_setting(root, parent, "cpuset.mems");
		_cleanup_close_ int inherit = openat(parent, "cgroup.clone_children", O_WRONLY | O_CLOEXEC);

		if (inherit < 0 || write(inherit, "1", 1) < 0)
			return error_set(err, errno, "cgroup.clone_children");
	}
	return 0;
}

int cgroup_open_parents(struct floor *floor, struct error *err)
{
	_cleanup_close_ int v2 = -1;
	char line[4096], mount_point[512], type[32], options[512], v2_mount[512] = "";
	FILE *mounts = fopen("/proc/self/mountinfo", "re");

	if (mounts == NULL)
		return error_set(err, errno, "/proc/self/mountinfo");
	while (fgets(line, sizeof(line), mounts) != NULL) {
		const char *rest = strstr(line, " - ");

		if (rest == NULL || sscanf(line, "%*s %*s %*s %*s %511s", mount_point) != 1 || sscanf(rest, " - %31s %*s %511s", type, options) != 2)
			continue;
		if (strcmp(type, "cgroup2") == 0)
			memcpy(v2_mount, mount_point, sizeof(v2_mount));
		/* A named hierarchy has no controller. */
		if (strcmp(type, "cgroup") != 0 || strstr(options, "name=") != NULL)
			continue;
		if (open_parent(floor, mount_point, strstr(options, "cpuset") != NULL, err) < 0) {
			fclose(mounts);
			return -1;
		}
	}
	fclose(mounts);
	if (floor->cgroup_count > 0)
		return 0;
	if (v2_mount[0] == '\0')
		return error_set(err, ENOENT, "no cgroup hierarchy is mounted");
	floor->cgroup_v2 = true;
	return open_parent(floor, v2_mount, false, err);
}

void cgroup_remove_parents(struct floor *floor)
{
	for (size_t i = 0; i < floor->cgroup_count; i++) {
		_cleanup_close_ int above = openat(floor->cgroup_fds[i], "..", O_DIRECTORY | O_RDONLY | O_CLOEXEC);

		if (unlinkat(above, parent_name, AT_REMOVEDIR) < 0 && errno != ENOENT)
			fprintf(stderr, "floor: cannot remove a %s: %s\n", parent_name, strerror(errno));
		close_fd(floor->cgroup_fds[i]);
	}
	floor->cgroup_count = 0;
}

static int create_one(const struct floor *floor, int parent, const char *name, struct error *err)
{
	char path[64];

	if (mkdirat(parent, name, 0755) < 0)
		return error_set(err, errno, "cgroup %s", name);
	snprintf(path, sizeof(path), "%s/%s", name, floor->cgroup_v2 ? "cgroup.procs" : "tasks");
	int fd = openat(parent, path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 ? fd : error_set(err, errno, "%s", path);
}

int cgroup_create(const struct floor *floor, unsigned int index, int *ret_fds, struct error *err)
{
	char name[32];

	snprintf(name, sizeof(name), "%u", index);
	for (size_t i = 0; i < floor->cgroup_count; i++)
		ret_fds[i] = -1;
	for (size_t i = 0; i < floor->cgroup_count; i++)
		if ((ret_fds[i] = create_one(floor, floor->cgroup_fds[i], name, err)) < 0)
			return -1;
	return 0;
}

int cgroup_remove(const struct floor *floor, unsigned int index, struct error *err)
{
	char name[32];
	int result = 0;

	snprintf(name, sizeof(name), "%u", index);
	for (size_t i = 0; i < floor->cgroup_count; i++)
		if (unlinkat(floor->cgroup_fds[i], name, AT_REMOVEDIR) < 0 && errno != ENOENT)
			result = error_set(err, errno, "cgroup %s", name);
	return result;
}
