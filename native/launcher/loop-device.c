#include "launcher/loop-device.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "lib/fd.h"

/* Between asking for a free device and taking it somebody else may take it. */
enum { ATTEMPTS = 16 };

static bool shows(int device, const struct stat *file)
{
	struct loop_info64 info;

	return ioctl(device, LOOP_GET_STATUS64, &info) == 0 && info.lo_device == file->st_dev && info.lo_inode == file->st_ino;
}

/* Returns -1 when there is none. */
static int find(const struct stat *file, char *ret_name)
{
	DIR *devices = opendir("/sys/block");
	int found = -1;

	if (devices == NULL)
		return -1;
	for (struct dirent *entry; found < 0 && (entry = readdir(devices)) != NULL;) {
		/* Only those that have a file have this directory. */
		char path[PATH_MAX];

		if (strncmp(entry->d_name, "loop", 4) != 0 || !isdigit((unsigned char)entry->d_name[4]) || strlen(entry->d_name) > 16)
			continue;
		snprintf(path, sizeof(path), "/sys/block/%s/loop", entry->d_name);
		if (access(path, F_OK) < 0)
			continue;
		snprintf(ret_name, LOOP_DEVICE_NAME_SIZE, "/dev/%.20s", entry->d_name);
		_cleanup_close_ int device = open(ret_name, O_RDWR | O_CLOEXEC);

		if (device >= 0 && shows(device, file))
			found = steal_fd(&device);
	}
	closedir(devices);
	return found;
}

static int attach(int control, int file, char *ret_name, struct error *err)
{
	struct loop_config configuration = { .fd = (uint32_t)file, .block_size = 4096, .info = { .lo_flags = LO_FLAGS_AUTOCLEAR } };
	int number = ioctl(control, LOOP_CTL_GET_FREE);

	if (number < 0)
		return error_set(err, errno, "no loop device is free");
	snprintf(ret_name, LOOP_DEVICE_NAME_SIZE, "/dev/loop%d", number);
	_cleanup_close_ int device = open(ret_name, O_RDWR | O_CLOEXEC);

	if (device < 0)
		return error_set(err, errno, "%s", ret_name);
	return ioctl(device, LOOP_CONFIGURE, &configuration) < 0 ? error_set(err, errno, "%s", ret_name) : steal_fd(&device);
}

int loop_device_attach(int file, char ret_name[static LOOP_DEVICE_NAME_SIZE], struct error *err)
{
	_cleanup_close_ int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);

	if (control < 0)
		return error_set(err, errno, "/dev/loop-control");
	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		int device = attach(control, file, ret_name, err);

		if (device >= 0 || err->number != EBUSY)
			return device;
	}
	return -1;
}

int loop_device_of(const char *path, char ret_name[static LOOP_DEVICE_NAME_SIZE], struct error *err)
{
	_cleanup_close_ int file = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	struct stat status;

	if (file < 0 || fstat(file, &status) < 0)
		return error_set(err, errno, "%s", path);
	int device = find(&status, ret_name);

	return device >= 0 ? device : loop_device_attach(file, ret_name, err);
}
