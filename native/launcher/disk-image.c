/*
 * Disks as file systems of their own: each a sparse file with ext4, on a loop device, mounted on the disk's directory. The file is a copy of a template
 * that wardend has made, and has no name: it goes with the device, which goes with the last mount.
 *
 * The limit is what the file system keeps for itself: reserved_clusters of ext4, which nobody in a container gets, root included, and which can be changed at any time. Without
 * a journal and with inode tables that are written when they are used, an empty one takes a quarter of a mebibyte. Inodes are as many as the template has.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/fd.h"
#include "launcher/disk.h"
#include "launcher/loop-device.h"

/* noinit_itable: no thread fills the inode tables, which would take their space at once. discard: what is removed goes back to the depot's file system. */
#define MOUNT_OPTIONS "noinit_itable,discard,errors=continue"

/* Those that ext4 keeps for itself, but for the root directory's. */
enum { OWN_INODES = 9, SYSFS_PATH_SIZE = 96 };

static int copy_range(int from, int to, off_t begin, off_t end, struct error *err)
{
	while (begin < end) {
		off_t at = begin;
		ssize_t count = copy_file_range(from, &begin, to, &at, (size_t)(end - begin), 0);

		if (count <= 0)
			return error_set(err, count < 0 ? errno : EIO, "copy of the template");
	}
	return 0;
}

/* Only what was written to it. */
static int copy_sparse(int from, int to, struct error *err)
{
	struct stat status;
	off_t begin = 0;

	if (fstat(from, &status) < 0 || ftruncate(to, status.st_size) < 0)
		return error_set(err, errno, "size of the image");
	while ((begin = lseek(from, begin, SEEK_DATA)) >= 0) {
		off_t end = lseek(from, begin, SEEK_HOLE);

		if (end < 0 || copy_range(from, to, begin, end, err) < 0)
			return end < 0 ? error_set(err, errno, "template") : -1;
		begin = end;
	}
	/* ENXIO: there is no more data. */
	return errno == ENXIO ? 0 : error_set(err, errno, "template");
}

static int copy_template(const struct disk_order *order, struct error *err)
{
	char directory[PATH_MAX];

	snprintf(directory, sizeof(directory), "%.*s", (int)(strrchr(order->path, '/') - order->path), order->path);
	_cleanup_close_ int template = open(order->image, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	_cleanup_close_ int file = open(directory, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);

	if (template < 0)
		return error_set(err, errno, "%s", order->image);
	if (file < 0)
		return error_set(err, errno, "a file in %s", directory);
	return copy_sparse(template, file, err) < 0 ? -1 : steal_fd(&file);
}

static int mount_copy(const struct disk_order *order, struct error *err)
{
	char device[LOOP_DEVICE_NAME_SIZE], lost_and_found[PATH_MAX];
	_cleanup_close_ int file = copy_template(order, err);
	_cleanup_close_ int loop = file < 0 ? -1 : loop_device_attach(file, device, err);

	if (loop < 0)
		return -1;
	if (mount(device, order->path, "ext4", MS_NOATIME | MS_NOSUID | MS_NODEV, MOUNT_OPTIONS) < 0)
		return error_set(err, errno, "%s on %s", device, order->path);
	snprintf(lost_and_found, sizeof(lost_and_found), "%.4000s/lost+found", order->path);
	if (mount(NULL, order->path, NULL, MS_PRIVATE, NULL) == 0 && rmdir(lost_and_found) == 0)
		return 0;
	int number = errno;

	umount2(order->path, MNT_DETACH);
	return error_set(err, number, "%s", order->path);
}

/* A disk, and the file of its reservation. */
static int open_image(const char *path, struct statfs *ret_status, char ret_reservation[static SYSFS_PATH_SIZE], struct error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	char link[64], target[PATH_MAX];
	struct stat status;

	if (fd < 0 || fstatfs(fd, ret_status) < 0 || fstat(fd, &status) < 0)
		return error_set(err, errno, "%s", path);
	snprintf(link, sizeof(link), "/sys/dev/block/%u:%u", major(status.st_dev), minor(status.st_dev));
	ssize_t size = readlink(link, target, sizeof(target) - 1);

	target[size > 0 ? size : 0] = '\0';
	const char *name = strrchr(target, '/');

	if (ret_status->f_type != EXT4_SUPER_MAGIC || name == NULL || strncmp(name, "/loop", 5) != 0)
		return error_set(err, EOPNOTSUPP, "%s is no image", path);
	snprintf(ret_reservation, SYSFS_PATH_SIZE, "/sys/fs/ext4/%.20s/reserved_clusters", name + 1);
	return 0;
}

static int limit(const struct disk_order *order, struct error *err)
{
	char reservation[SYSFS_PATH_SIZE], text[32];
	struct statfs status;

	if (open_image(order->path, &status, reservation, err) < 0)
		return -1;
	uint64_t block = (uint64_t)status.f_bsize, blocks = order->byte_limit / block + (order->byte_limit % block != 0);

	if (blocks >= status.f_blocks)
		return error_set(err, ERANGE, "the image has %" PRIu64 " bytes", status.f_blocks * block);
	snprintf(text, sizeof(text), "%" PRIu64, blocks == 0 ? 0 : status.f_blocks - blocks);
	_cleanup_close_ int fd = open(reservation, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return error_set(err, errno, "%s", reservation);
	return 0;
}

static int make(const struct disk_order *order, struct error *err)
{
	struct disk_order unlimited = *order;

	unlimited.byte_limit = 0;
	if (mkdir(order->path, 0700) < 0)
		return error_set(err, errno, "%s", order->path);
	if (mount_copy(order, err) < 0) {
		rmdir(order->path);
		return -1;
	}
	/* ext4 begins with a reservation of its own. */
	if (limit(&unlimited, err) == 0)
		return 0;
	umount2(order->path, MNT_DETACH);
	rmdir(order->path);
	return -1;
}

/* By trying: whether there are loop devices and ext4 with what it takes. */
static int prepare(const struct disk_order *order, struct error *err)
{
	struct disk_order trial = *order;
	struct disk_state state;

	if (snprintf(trial.path, sizeof(trial.path), "%.4000s/trial", order->path) < 0 || make(&trial, err) < 0)
		return -1;
	trial.byte_limit = 1 << 20;
	int result = limit(&trial, err);

	if (result == 0)
		result = disk_image.read(&trial, &state, err);
	umount2(trial.path, MNT_DETACH);
	rmdir(trial.path);
	return result;
}

static int read_reservation(const char *path, uint64_t *ret_blocks, struct error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[32];
	ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (size < 0)
		return error_set(err, errno, "%s", path);
	text[size] = '\0';
	return sscanf(text, "%" SCNu64, ret_blocks) == 1 ? 0 : error_set(err, EBADMSG, "%s: %s", path, text);
}

static int read_state(const struct disk_order *order, struct disk_state *ret_state, struct error *err)
{
	char reservation[SYSFS_PATH_SIZE];
	struct statfs status;
	uint64_t reserved;

	if (open_image(order->path, &status, reservation, err) < 0 || read_reservation(reservation, &reserved, err) < 0)
		return -1;
	uint64_t block = (uint64_t)status.f_bsize;

	*ret_state = (struct disk_state){
		.byte_limit = reserved == 0 ? 0 : (status.f_blocks - reserved) * block,
		.bytes_used = (status.f_blocks - status.f_bfree) * block,
		.inodes_used = status.f_files - status.f_ffree - OWN_INODES,
		.counts_inodes = true,
	};
	return 0;
}

const struct disk_kind disk_image = { .prepare = prepare, .make = make, .makes_slowly = true, .limit = limit, .read = read_state };
