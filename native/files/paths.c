#include "files/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fd.h"
#include "lib/syscalls.h"

int paths_read(const struct wire_attribute *attribute, char **ret_path, struct error *err)
{
	if (attribute->size == 0)
		return error_set(err, EINVAL, "an empty path");
	if (attribute->size >= PATHS_MAX_SIZE)
		return error_set(err, ENAMETOOLONG, "a path of %u bytes, at most %d", attribute->size, PATHS_MAX_SIZE - 1);
	return wire_string(attribute, PATHS_MAX_SIZE, ret_path, err);
}

int paths_open(const struct transfer *transfer, const char *path, uint64_t flags, uint32_t mode, struct error *err)
{
	char whole[2 * PATHS_MAX_SIZE];
	bool relative = path[0] != '/' && transfer->home != NULL;

	/* The kernel refuses what is too long for it. */
	snprintf(whole, sizeof(whole), "%s%s%s", relative ? transfer->home : "", relative ? "/" : "", path);
	int fd;

	/* A rename somewhere in the machine may have got in the way of a path with `..`: the kernel asks to try again. */
	for (int attempt = 0; attempt < 100; attempt++) {
		fd = sys_openat2(transfer->root, whole, flags | O_CLOEXEC | (flags & O_PATH ? 0 : O_NOCTTY), mode, WARDEN_RESOLVE_IN_ROOT | WARDEN_RESOLVE_NO_MAGICLINKS);
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return fd < 0 ? error_set(err, errno, "%.200s", path) : fd;
}

int paths_open_parent(const struct transfer *transfer, const char *path, int *ret_parent, char **ret_name, struct error *err)
{
	size_t length = strlen(path);

	while (length > 1 && path[length - 1] == '/')
		length--;
	_cleanup_free_ char *directory = strndup(path, length);

	if (directory == NULL)
		return error_set(err, ENOMEM, "path");
	char *slash = strrchr(directory, '/');
	_cleanup_free_ char *name = strdup(slash != NULL ? slash + 1 : directory);

	if (name == NULL)
		return error_set(err, ENOMEM, "path");
	if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return error_set(err, EINVAL, "%.200s is not the name of something in a directory", path);
	if (slash == NULL)
		strcpy(directory, ".");
	else if (slash == directory)
		directory[1] = '\0';
	else
		*slash = '\0';
	int parent = paths_open(transfer, directory, O_PATH | O_DIRECTORY, 0, err);

	if (parent < 0)
		return error_set(err, err->number, "%.200s", path);
	*ret_parent = parent;
	*ret_name = name;
	name = NULL;
	return 0;
}
