#include "lib/remove.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define MAX_DEPTH 64

static int remove_at(int parent, const char *name, int depth, struct error *err)
{
	int result = 0;

	if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return error_set(err, errno, "%s", name);
	if (unlinkat(parent, name, AT_REMOVEDIR) == 0)
		return 0;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return error_set(err, errno, "%s", name);
	if (depth == MAX_DEPTH)
		return error_set(err, ELOOP, "%s", name);
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;

	if (stream == NULL) {
		result = error_set(err, errno, "%s", name);
		if (fd >= 0)
			close(fd);
		return result;
	}
	for (struct dirent *entry; (entry = readdir(stream)) != NULL;)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && result == 0)
			result = remove_at(fd, entry->d_name, depth + 1, err);
	closedir(stream);
	if (result == 0 && unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		result = error_set(err, errno, "%s", name);
	return result;
}

int remove_tree(int parent, const char *name, struct error *err)
{
	return remove_at(parent, name, 0, err);
}
