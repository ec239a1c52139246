#include "archive/whiteout.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/fd.h"

#define PREFIX ".wh."
#define OPAQUE ".wh..wh..opq"
/* Of aufs, which invented all this: files that mean nothing to others. */
#define OTHERS ".wh..wh."

static int make_opaque(int directory, struct error *err)
{
	return fsetxattr(directory, "trusted.overlay.opaque", "y", 1, 0) < 0 ? error_set(err, errno, "trusted.overlay.opaque") : 1;
}

bool whiteout_is(int directory, const char *name)
{
	struct stat status;

	return fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISCHR(status.st_mode) && status.st_rdev == 0;
}

int whiteout_cover(int directory, const char *name, struct error *err)
{
	_cleanup_close_ int fd = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? error_set(err, errno, "%s", name) : make_opaque(fd, err);
}

static int hide(struct tree_writer *writer, int directory, const char *name, struct error *err)
{
	struct stat status;

	if (!tree_name_is_valid(name))
		return error_set(err, EINVAL, "a name that cannot be taken away");
	/* It is about the layers below: what this one has of that name stays, without what they have in a directory. */
	if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0)
		return S_ISDIR(status.st_mode) ? whiteout_cover(directory, name, err) : 1;
	if (errno != ENOENT)
		return error_set(err, errno, "%s", name);
	if (tree_add_entry(writer, name, err) < 0)
		return -1;
	/* The one device that the kernel lets anybody make: it is none. */
	return mknodat(directory, name, S_IFCHR | 0600, 0) < 0 ? error_set(err, errno, "%s", name) : 1;
}

int whiteout_make(struct tree_writer *writer, const char *path, struct error *err)
{
	char name[TREE_MAX_NAME + 1];
	const char *last = strrchr(path, '/');
	int directory;

	last = last == NULL ? path : last + 1;
	if (strncmp(last, PREFIX, strlen(PREFIX)) != 0)
		return 0;
	if (strcmp(last, OPAQUE) != 0 && strncmp(last, OTHERS, strlen(OTHERS)) == 0)
		return 1;
	if (tree_parent(writer, path, &directory, name, err) < 0)
		return -1;
	return strcmp(last, OPAQUE) == 0 ? make_opaque(directory, err) : hide(writer, directory, name + strlen(PREFIX), err);
}
