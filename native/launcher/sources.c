#include "launcher/sources.h"

#include <errno.h>
#include <fcntl.h>
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
		if (add_tree(sources, description->lowers[i], 0, true, err) < 0)
			return -1;
	if (step_begin(STEP_OPEN_MOUNT, err) < 0)
		return -1;
	for (size_t i = 0; i < description->mount_count; i++) {
		const struct mount_source *mount = &description->mounts[i];

		if (add_tree(sources, mount->path, mount->flags & MOUNT_FLAG_RECURSIVE ? AT_RECURSIVE : 0, false, err) < 0)
			return -1;
	}
	/* The directory that the container's group is to be made in; the group's own name is the monitor's matter. */
	if (step_begin(STEP_OPEN_CGROUP, err) < 0)
		return -1;
	for (size_t i = 0; i < description->cgroup_count; i++)
		if (add_parent(sources, description->cgroups[i], err) < 0)
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
