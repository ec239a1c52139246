#include "launcher/device-tree.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>

#include "lib/device-nodes.h"
#include "lib/fault.h"
#include "lib/fd.h"
#include "launcher/steps.h"

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
	if (device_nodes_make(directory, err) < 0)
		return -1;
	directory = close_fd(directory);
	/* Without MS_BIND this is the superblock's flag: no clone of the tree, whatever its own flags are, can be written. */
	if (mount(NULL, path, NULL, MS_REMOUNT | MS_RDONLY | flags, NULL) < 0)
		return error_set(err, errno, "make %s read-only", path);
	return 0;
}
