#include "files/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/syscalls.h"

#define RELATIVE_ON_HOST "%.200s: a path on the host has to begin with /"

enum { MAX_LINKS = 40, STEP_FLAGS = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

static bool means_contents(const char *last)
{
	return last[0] == '\0' || strcmp(last, ".") == 0 || strcmp(last, "..") == 0;
}

int place_split(const struct place *place, const char *path, struct place_path *ret_path, struct error *err)
{
	char *all = ret_path->parent;
	int length;

	if (path[0] == '\0')
		return error_set(err, EINVAL, "empty path");
	if (path[0] == '/')
		length = snprintf(all, PATH_MAX, "%s", path);
	else if (place->root < 0)
		return error_set(err, EINVAL, RELATIVE_ON_HOST, path);
	else
		length = snprintf(all, PATH_MAX, "%s/%s", place->home, path);
	if (length >= PATH_MAX)
		return error_set(err, ENAMETOOLONG, "%.200s", path);
	char *last = strrchr(all, '/') + 1;

	ret_path->contents = means_contents(last);
	ret_path->name[0] = '\0';
	if (ret_path->contents)
		return 0;
	if (strlen(last) > NAME_MAX)
		return error_set(err, ENAMETOOLONG, "%.200s", last);
	memcpy(ret_path->name, last, strlen(last) + 1);
	*last = '\0';
	return 0;
}

/* Without root's rights (plain/main.c) what is ours is as good. */
static bool is_trusted(uid_t user)
{
	return user == 0 || user == geteuid();
}

/* Nobody else can have made a link there, or put one that root has made into another one's place. */
static bool is_roots_own(int directory, const struct stat *link)
{
	struct stat status;

	if (!is_trusted(link->st_uid) || fstat(directory, &status) < 0 || !is_trusted(status.st_uid))
		return false;
	return (status.st_mode & (S_IWGRP | S_IWOTH)) == 0 || (status.st_mode & S_ISVTX) != 0;
}

/* From there on whatever a path meets may be a container's doing. */
static bool is_writable(const struct place *place, int directory)
{
	struct stat status;

	if (place->writable_count == 0)
		return false;
	if (fstat(directory, &status) < 0)
		return true;
	for (size_t i = 0; i < place->writable_count; i++)
		if (place->writable[i].device == status.st_dev && place->writable[i].inode == status.st_ino)
			return true;
	return false;
}

/* In place of `rest`, of which the first component is the link, comes where it leads, and then what is behind it. */
static int expand(int directory, const char *name, char *rest, const char *behind, struct error *err)
{
	char target[PATH_MAX], all[PATH_MAX];
	ssize_t size = readlinkat(directory, name, target, sizeof(target) - 1);

	if (size < 0)
		return error_set(err, errno, "%s", name);
	target[size] = '\0';
	if (snprintf(all, sizeof(all), "%s%s%s", target, *behind != '\0' ? "/" : "", behind) >= PATH_MAX)
		return error_set(err, ENAMETOOLONG, "%.200s", target);
	memcpy(rest, all, strlen(all) + 1);
	return target[0] == '/';
}

static int open_on_host(const struct place *place, const char *path, struct error *err)
{
	_cleanup_close_ int directory = open("/", STEP_FLAGS);
	char rest[PATH_MAX], name[NAME_MAX + 1];
	unsigned int links = 0;
	bool no_links = place->no_links;

	memcpy(rest, path, strlen(path) + 1);
	while (directory >= 0) {
		char *at = rest + strspn(rest, "/");
		size_t size = strcspn(at, "/");
		struct stat status;

		if (size == 0)
			return steal_fd(&directory);
		if (size > NAME_MAX)
			return error_set(err, ENAMETOOLONG, "%.200s", path);
		memcpy(name, at, size);
		name[size] = '\0';
		at += size + strspn(at + size, "/");
		if (no_links && strcmp(name, "..") == 0)
			return error_set(err, ELOOP, "%.200s: \"..\" below a directory that a container can write to", path);
		int next = openat(directory, name, STEP_FLAGS);

		if (next < 0 && errno == ENOTDIR && fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode)) {
			if (no_links || !is_roots_own(directory, &status))
				return error_set(err, ELOOP, "%.200s: %.60s is a link that others can change; give the path that it leads to", path, name);
			if (++links > MAX_LINKS)
				return error_set(err, ELOOP, "%.200s", path);
			int absolute = expand(directory, name, rest, at, err);

			if (absolute < 0)
				return -1;
			if (!absolute)
				continue;
			next = open("/", STEP_FLAGS);
		} else {
			memmove(rest, at, strlen(at) + 1);
		}
		if (next < 0)
			return error_set(err, errno, "%.200s", path);
		close_fd(directory);
		directory = next;
		no_links = no_links || is_writable(place, directory);
	}
	return error_set(err, errno, "/");
}

int place_open_directory(const struct place *place, const char *path, struct error *err)
{
	char whole[PATH_MAX];

	if (path[0] != '/') {
		if (place->root < 0)
			return error_set(err, EINVAL, RELATIVE_ON_HOST, path);
		if (snprintf(whole, sizeof(whole), "%s/%s", place->home, path) >= PATH_MAX)
			return error_set(err, ENAMETOOLONG, "%.200s", path);
		path = whole;
	}
	if (place->root < 0)
		return open_on_host(place, path, err);
	int directory = sys_openat2(place->root, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0, WARDEN_RESOLVE_IN_ROOT | WARDEN_RESOLVE_NO_MAGICLINKS);

	return directory < 0 ? error_set(err, errno, "%.200s", path) : directory;
}
