#include "launcher/namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "lib/fault.h"
#include "lib/fd.h"
#include "lib/file-copy.h"
#include "lib/syscalls.h"
#include "launcher/description.h"
#include "launcher/device-tree.h"
#include "launcher/steps.h"
#include "launcher/sysctl.h"

#define ARCHIVE_MAX (16u << 20)

static int no_tick(void *context, uint64_t bytes, struct error *err)
{
	(void)context;
	(void)bytes;
	(void)err;
	return 0;
}

static int open_namespace(const char *path, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? error_set(err, errno, "%s", path) : fd;
}

/* Where a monitor attaches what it is given, in its own copy of the namespace: the container's directory, its layers, volumes, its root; and its
 * first process what belongs into the root. */
static int make_directories(struct error *err)
{
	static const char *const names[] = { "proc", "sys", "dev", "container", "root", "lower", "volume", "empty", "additions", "additions/lib", "additions/lib/locale", "assembly", "assembly/proc", "assembly/sys", "assembly/dev" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (mkdir(names[i], 0755) < 0)
			return error_set(err, errno, "mkdir %s", names[i]);
	for (int i = 0; i < DESCRIPTION_MAX_LOWERS; i++) {
		char name[24];

		snprintf(name, sizeof(name), "lower/%d", i);
		if (mkdir(name, 0755) < 0)
			return error_set(err, errno, "mkdir %s", name);
	}
	return 0;
}

/*
 * What containers see of /usr beside what the host has. One file: with it the C library finds all parts of a locale by one open(2), where it opens a
 * dozen files otherwise, through an overlay, in every program that asks for its locale; in bash that is a tenth of all that it does for a short script.
 * It is a copy in memory, so that nothing of the depot is a layer of a container.
 */
static int copy_locale_archive(int archive, const struct stat *status, struct error *err)
{
	_cleanup_close_ int copy = open("additions/lib/locale/locale-archive", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	struct file_copier copier = { 0 };

	if (copy < 0)
		return error_set(err, errno, "locale-archive");
	int result = file_copy(&copier, archive, status, copy, no_tick, NULL, err);

	file_copier_free(&copier);
	return result;
}

/* Any directory will do as the place where the new root is mounted before it becomes the root; nobody else sees it there. */
static int replace_root(const char *place, int archive, struct error *err)
{
	char options[64];
	struct stat status = { 0 };

	if (archive >= 0 && fstat(archive, &status) < 0)
		return error_set(err, errno, "locale archive");
	if (archive >= 0 && (!S_ISREG(status.st_mode) || status.st_size > ARCHIVE_MAX))
		return error_set(err, EINVAL, "locale archive: no file of at most %u bytes", ARCHIVE_MAX);
	snprintf(options, sizeof(options), "size=%lluk,nr_inodes=192,mode=755", 16 + (unsigned long long)(status.st_size + 4095) / 4096 * 4);
	if (mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL) < 0)
		return error_set(err, errno, "make / private");
	if (mount("warden", place, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options) < 0)
		return error_set(err, errno, "tmpfs on %s", place);
	if (chdir(place) < 0)
		return error_set(err, errno, "%s", place);
	if (make_directories(err) < 0 || (archive >= 0 && copy_locale_archive(archive, &status, err) < 0))
		return -1;
	/* With both arguments the same the old root ends up on top of the new one, and is taken away from there. */
	if (sys_pivot_root(".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return error_set(err, errno, "pivot_root");
	return 0;
}

static int fill_minimal(const char *depot, int archive, struct error *err)
{
	if (replace_root(depot, archive, err) < 0)
		return -1;
	if (mount("proc", "/proc", "proc", 0, NULL) < 0)
		return error_set(err, errno, "proc");
	if (mount("sysfs", "/sys", "sysfs", 0, NULL) < 0)
		return error_set(err, errno, "sysfs");
	if (device_tree_make("/dev", err) < 0)
		return -1;
	if (mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		return error_set(err, errno, "make / read-only");
	return 0;
}

int namespaces_prepare(struct namespaces *ret_namespaces, const char *depot, const char *locale_archive, struct error *err)
{
	_cleanup_close_ int archive = -1;

	if (step_begin(STEP_MAKE_MINIMAL_NAMESPACE, err) < 0)
		return -1;
	ret_namespaces->own_network = open_namespace("/proc/self/ns/net", err);
	ret_namespaces->own_mounts = open_namespace("/proc/self/ns/mnt", err);
	if (ret_namespaces->own_network < 0 || ret_namespaces->own_mounts < 0)
		return -1;
	if (locale_archive != NULL) {
		archive = open(locale_archive, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		if (archive < 0)
			return error_set(err, errno, "%s", locale_archive);
	}
	if (unshare(CLONE_NEWNS) < 0)
		return error_set(err, errno, "unshare");
	if (fill_minimal(depot, archive, err) < 0)
		return -1;
	ret_namespaces->minimal_mounts = open_namespace("/proc/self/ns/mnt", err);
	if (ret_namespaces->minimal_mounts < 0)
		return -1;
	/* Root and working directory become those of the namespace, too. */
	if (setns(ret_namespaces->own_mounts, CLONE_NEWNS) < 0)
		return error_set(err, errno, "return to wardend's mount namespace");
	return sysctl_open(err);
}

/* Before Linux 6.15 a tree can be cloned only from the caller's own namespace; hence the visit. */
int namespaces_clone_devices(const struct namespaces *namespaces, struct error *err)
{
	if (step_begin(STEP_OPEN_DEVICES, err) < 0)
		return -1;
	if (setns(namespaces->minimal_mounts, CLONE_NEWNS) < 0)
		return error_set(err, errno, "setns");
	int tree = sys_open_tree(AT_FDCWD, "/dev", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	int number = errno;

	/* A launcher that cannot return would open the next container's sources in the wrong place. */
	if (setns(namespaces->own_mounts, CLONE_NEWNS) < 0)
		abort();
	return tree < 0 ? error_set(err, number, "/dev") : tree;
}
