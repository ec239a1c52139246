#include "launcher/sysctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "lib/fd.h"
#include "lib/syscalls.h"

/* Making one takes as long as passing a few dozen names. */
enum { WRITES_MAX = 32 };

static int proc = -1;
static unsigned int writes;

int sysctl_open(struct error *err)
{
	_cleanup_close_ int context = sys_fsopen("proc", FSOPEN_CLOEXEC);

	if (context < 0 || sys_fsconfig(context, WARDEN_FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return error_set(err, errno, "proc file system");
	int fresh = sys_fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);

	if (fresh < 0)
		return error_set(err, errno, "proc file system");
	close_fd(proc);
	proc = fresh;
	writes = 0;
	return 0;
}

int sysctl_write(const char *name, const char *value, struct error *err)
{
	char path[128];

	if ((proc < 0 || writes >= WRITES_MAX) && sysctl_open(err) < 0)
		return -1;
	writes++;
	if ((size_t)snprintf(path, sizeof(path), "sys/%s", name) >= sizeof(path))
		return error_set(err, ENAMETOOLONG, "/proc/sys/%s", name);
	if (fd_write_file_at(proc, path, value, strlen(value), err) == 0)
		return 0;
	return error_set(err, err->number, "/proc/%s", path);
}
