/*
 * PID 1's way into its container: join the groups, take the mounts, cover what is not for a container, pivot.
 * Everything is done by descriptor; nothing in the root file system is trusted or executed.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <linux/seccomp.h>
#include <unistd.h>

#include "floor/floor.h"
#include "lib/fd.h"
#include "lib/syscalls.h"

static int join_cgroups(const struct inside *inside, struct error *err)
{
	for (size_t i = 0; i < inside->floor->cgroup_count; i++)
		if (write(inside->cgroup_fds[i], "0", 1) < 0)
			return error_set(err, errno, "join cgroup");
	/* After joining, so that the groups joined are the namespace's roots. */
	return unshare(CLONE_NEWCGROUP) < 0 ? error_set(err, errno, "unshare cgroup") : 0;
}

static int attach(int mount, int root, const char *place, struct error *err)
{
	if (sys_move_mount(mount, "", root, place, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_set(err, errno, "attach %s", place);
	return 0;
}

static int mount_new(int root, const char *place, const char *type, const char *const options[][2], unsigned int attributes, struct error *err)
{
	_cleanup_close_ int context = sys_fsopen(type, FSOPEN_CLOEXEC);

	for (size_t i = 0; context >= 0 && options != NULL && options[i][0] != NULL; i++)
		if (sys_fsconfig(context, WARDEN_FSCONFIG_SET_STRING, options[i][0], options[i][1], 0) < 0)
			return error_set(err, errno, "%s: %s", type, options[i][0]);
	if (context < 0 || sys_fsconfig(context, WARDEN_FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return error_set(err, errno, "%s", type);
	_cleanup_close_ int mount = sys_fsmount(context, FSMOUNT_CLOEXEC, attributes);

	return mount < 0 ? error_set(err, errno, "%s", type) : attach(mount, root, place, err);
}

/* Absent paths are no error: kernels differ in what they have. */
static int cover(int root, const char *from, const char *place, bool read_only, struct error *err)
{
	struct warden_mount_attr attributes = { .attr_set = MOUNT_ATTR_RDONLY };
	_cleanup_close_ int target = openat(root, place, O_PATH | O_CLOEXEC);
	_cleanup_close_ int tree = target < 0 ? -1 : sys_open_tree(root, from, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (read_only ? AT_RECURSIVE : 0));

	if (target < 0)
		return 0;
	if (tree < 0 || (read_only && sys_mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes) < 0))
		return error_set(err, errno, "cover %s", place);
	return sys_move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0 ? error_set(err, errno, "cover %s", place) : 0;
}

static int cover_all(int root, struct error *err)
{
	/* What this kernel family has of the field's lists; six of the first, four of the second. */
	static const char *const hidden[] = {
		"proc/kcore", "proc/keys", "proc/timer_list", "proc/sched_debug", "proc/interrupts", "proc/kmsg", "proc/latency_stats", "proc/key-users",
	};
	static const char *const read_only[] = { "proc/bus", "proc/fs", "proc/irq", "proc/sys" };

	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		if (cover(root, "dev/null", hidden[i], false, err) < 0)
			return -1;
	for (size_t i = 0; i < sizeof(read_only) / sizeof(read_only[0]); i++)
		if (cover(root, read_only[i], read_only[i], true, err) < 0)
			return -1;
	return 0;
}

static int mount_all(const struct inside *inside, const int *mounts, int *ret_root, struct error *err)
{
	static const char *const pts[][2] = { { "mode", "620" }, { "ptmxmode", "666" }, { "gid", "5" }, { NULL, NULL } };
	static const char *const shm[][2] = { { "mode", "1777" }, { "size", "67108864" }, { NULL, NULL } };
	int root = mounts[0];

	if (attach(root, AT_FDCWD, inside->floor->depot, err) < 0 || attach(mounts[1], root, "dev", err) < 0 ||
	    mount_new(root, "proc", "proc", NULL, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, err) < 0 ||
	    mount_new(root, "sys", "sysfs", NULL, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, err) < 0 ||
	    mount_new(root, "dev/pts", "devpts", pts, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, err) < 0 ||
	    mount_new(root, "dev/shm", "tmpfs", shm, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, err) < 0)
		return -1;
	for (size_t i = 0; i < inside->floor->bind_count; i++)
		if (attach(mounts[2 + i], root, inside->floor->binds[i].destination + 1, err) < 0)
			return -1;
	*ret_root = root;
	return cover_all(root, err);
}

static int change_root(int root, struct error *err)
{
	if (fchdir(root) < 0 || sys_pivot_root(".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return error_set(err, errno, "pivot root");
	return 0;
}

static int load_filter(const struct sock_fprog *filter, struct error *err)
{
	if (filter->len == 0)
		return 0;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter) < 0 ? error_set(err, errno, "seccomp filter") : 0;
}

static int enter(const struct inside *inside, struct error *err)
{
	char name[32];
	struct control_packet packet;
	int mounts[2 + FLOOR_MAX_BINDS], root;
	size_t count;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || join_cgroups(inside, err) < 0)
		return -1;
	int length = snprintf(name, sizeof(name), "floor-%u", inside->index);

	if (sethostname(name, (size_t)length) < 0)
		return error_set(err, errno, "hostname");
	if (control_receive(inside->control_fd, &packet, mounts, 2 + FLOOR_MAX_BINDS, &count, err) < 0)
		return -1;
	if (count != 2 + inside->floor->bind_count)
		return error_set(err, EBADMSG, "%zu mounts", count);
	/* Files made from here on belong to the container's root. */
	if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return error_set(err, errno, "become root");
	if (mount_all(inside, mounts, &root, err) < 0 || change_root(root, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		close_fd(mounts[i]);
	return inside->floor->extended ? load_filter(&inside->floor->filter, err) : 0;
}

void inside_main(const struct inside *inside)
{
	struct error err = { 0 };
	struct control_packet packet = { .kind = CONTROL_READY };

	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	if (enter(inside, &err) < 0) {
		packet.kind = CONTROL_FAILED;
		packet.status = err.number;
		snprintf(packet.text, sizeof(packet.text), "%.180s", err.detail);
	}
	if (control_send(inside->control_fd, &packet, NULL, 0, &err) < 0 || packet.kind == CONTROL_FAILED)
		_exit(1);
	jobs_serve(inside->control_fd, inside->floor->true_fd);
}
