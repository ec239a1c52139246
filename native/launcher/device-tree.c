#include "launcher/device-tree.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "lib/fault.h"
#include "lib/fd.h"
#include "launcher/steps.h"

static const struct {
	const char *name;
	unsigned int major, minor;   /* Documentation/admin-guide/devices.txt */
} nodes[] = {
	{ "null", 1, 3 }, { "zero", 1, 5 }, { "full", 1, 7 }, { "random", 1, 8 }, { "urandom", 1, 9 }, { "tty", 5, 0 },
};

static const struct {
	const char *name, *target;
} links[] = {
	{ "fd", "/proc/self/fd" },
	{ "stdin", "/proc/self/fd/0" },
	{ "stdout", "/proc/self/fd/1" },
	{ "stderr", "/proc/self/fd/2" },
	{ "ptmx", "pts/ptmx" },
};

static const char *const mount_points[] = { "pts", "shm" };

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static int fill(int directory, struct error *err)
{
	for (size_t i = 0; i < COUNT(nodes); i++) {
		/* The mode apart from the node, for the umask. */
		if (mknodat(directory, nodes[i].name, S_IFCHR | 0600, makedev(nodes[i].major, nodes[i].minor)) < 0 ||
		    fchmodat(directory, nodes[i].name, 0666, 0) < 0)
			return error_set(err, errno, "/dev/%s", nodes[i].name);
	}
	for (size_t i = 0; i < COUNT(links); i++)
		if (symlinkat(links[i].target, directory, links[i].name) < 0)
			return error_set(err, errno, "/dev/%s", links[i].name);
	for (size_t i = 0; i < COUNT(mount_points); i++)
		if (mkdirat(directory, mount_points[i], 0755) < 0 || fchmodat(directory, mount_points[i], 0755, 0) < 0)
			return error_set(err, errno, "/dev/%s", mount_points[i]);
	return 0;
}

int device_tree_make(const char *path, struct error *err)
{
	const unsigned long flags = MS_NOSUID | MS_NOEXEC;

	if (step_begin(STEP_MAKE_DEVICES, err) < 0)
		return -1;
	if (mount("dev", path, "tmpfs", flags, "size=64k,nr_inodes=32,mode=755") < 0)
		return error_set(err, errno, "tmpfs on %s", path);
	_cleanup_close_ int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (directory < 0)
		return error_set(err, errno, "%s", path);
	if (fill(directory, err) < 0)
		return -1;
	directory = close_fd(directory);
	/* Without MS_BIND this is the superblock's flag: no clone of the tree, whatever its own flags are, can be written. */
	if (mount(NULL, path, NULL, MS_REMOUNT | MS_RDONLY | flags, NULL) < 0)
		return error_set(err, errno, "make %s read-only", path);
	return 0;
}
