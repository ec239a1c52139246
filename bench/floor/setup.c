/* What is made once, before the first container, and removed at the end; leftovers of a killed run are removed first. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "floor/floor.h"
#include "floor/netlink.h"
#include "lib/fd.h"
#include "lib/syscalls.h"

static int open_directory(const char *path, int *ret_fd, struct error *err)
{
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return error_set(err, errno, "%s", path);
	*ret_fd = open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	return *ret_fd < 0 ? error_set(err, errno, "%s", path) : 0;
}

/*
 * ext4 puts a directory's children into its own block group, and without a journal it passes over inodes that were freed in the last minutes, one
 * by one. A depot in which containers come and go makes each new inode cost up to 250 µs that way. A "top directory" has its
 * subdirectories spread over all groups (chattr(1), T). Other file systems do not know the flag and do not need it.
 */
static void spread_subdirectories(int directory)
{
	int flags;

	if (ioctl(directory, FS_IOC_GETFLAGS, &flags) == 0) {
		flags |= FS_TOPDIR_FL;
		ioctl(directory, FS_IOC_SETFLAGS, &flags);
	}
}

static int open_depot(struct floor *floor, struct error *err)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/trash", floor->depot);
	if (open_directory(floor->depot, &floor->depot_fd, err) < 0 || open_directory(path, &floor->trash_fd, err) < 0)
		return -1;
	spread_subdirectories(floor->depot_fd);
	snprintf(path, sizeof(path), "%s/dev", floor->depot);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return error_set(err, errno, "%s", path);
	floor->dev_fd = mounts_make_dev(path, err);
	return floor->dev_fd < 0 ? -1 : 0;
}

static int open_sockets(struct floor *floor, struct error *err)
{
	floor->own_network = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (floor->own_network < 0)
		return error_set(err, errno, "/proc/self/ns/net");
	floor->route_fd = netlink_open(NETLINK_ROUTE, err);
	floor->nft_fd = netlink_open(NETLINK_NETFILTER, err);
	if (floor->route_fd < 0 || floor->nft_fd < 0 || firewall_delete_table(floor->nft_fd, err) < 0)
		return -1;
	return firewall_create_table(floor->nft_fd, err);
}

int floor_open(struct floor *floor, struct error *err)
{
	floor->true_fd = open(floor->true_program, O_RDONLY | O_CLOEXEC);
	if (floor->true_fd < 0)
		return error_set(err, errno, "%s", floor->true_program);
	/* What is mounted from here on is the floor's and its containers' alone. */
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return error_set(err, errno, "own mount namespace");
	if (open_depot(floor, err) < 0 || cgroup_open_parents(floor, err) < 0)
		return -1;
	return open_sockets(floor, err);
}

void floor_close(struct floor *floor)
{
	struct error err = { 0 };
	char path[4096];

	cgroup_remove_parents(floor);
	if (floor->nft_fd >= 0 && firewall_delete_table(floor->nft_fd, &err) < 0)
		fprintf(stderr, "floor: the nftables table warden_floor is left\n");
	if (floor->dev_fd >= 0) {
		close_fd(floor->dev_fd);
		snprintf(path, sizeof(path), "%s/dev", floor->depot);
		if (umount2(path, MNT_DETACH) < 0 || rmdir(path) < 0)
			fprintf(stderr, "floor: %s is left\n", path);
	}
	if (floor->trash_fd >= 0 && (container_remove_all_trash(floor, &err) < 0 || rmdir(floor->depot) < 0))
		fprintf(stderr, "floor: %s is left\n", floor->depot);
}
