#include "lib/device-nodes.h"

#include <errno.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

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

int device_nodes_make(int directory, struct error *err)
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
