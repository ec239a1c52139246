#include "lib/remove.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Each level holds a descriptor. */
#define MAX_DEPTH 64

struct removal {
	int top;              /* where what lies too deep is moved to; -1: nowhere */
	unsigned int moved;
};

static int remove_at(struct removal *removal, int parent, const char *name, int depth, struct error *err);

static void format_moved(char *ret_name, size_t size, unsigned int number)
{
	snprintf(ret_name, size, "deep-%d-%u", (int)getpid(), number);
}

static int move_up(struct removal *removal, int parent, const char *name, struct error *err)
{
	char moved[48];

	if (removal->top < 0)
		return error_set(err, ELOOP, "%s", name);
	format_moved(moved, sizeof(moved), removal->moved);
	if (renameat(parent, name, removal->top, moved) < 0)
		return error_set(err, errno, "%s", name);
	removal->moved++;
	return 0;
}

/* Returns how many entries were removed; *ret_result: -1 when one could not be. */
static size_t remove_contents(struct removal *removal, DIR *stream, int depth, int *ret_result, struct error *err)
{
	size_t removed = 0;

	rewinddir(stream);
	for (struct dirent *entry; (entry = readdir(stream)) != NULL;) {
		struct error problem;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (remove_at(removal, dirfd(stream), entry->d_name, depth + 1, &problem) == 0) {
			removed++;
		} else if (*ret_result == 0) {
			*err = problem;
			*ret_result = -1;
		}
	}
	return removed;
}

static int remove_directory(struct removal *removal, int parent, const char *name, int depth, struct error *err)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW), result = 0;
	DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;

	if (stream == NULL) {
		result = error_set(err, errno, "%s", name);
		if (fd >= 0)
			close(fd);
		return result;
	}
	/* A file system may leave entries out of a listing that changes meanwhile: as long as there is progress, once more. */
	for (bool done = false; !done;) {
		size_t removed = remove_contents(removal, stream, depth, &result, err);

		done = result < 0 || unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT;
		if (!done && ((errno != ENOTEMPTY && errno != EEXIST) || removed == 0)) {
			result = error_set(err, errno, "%s", name);
			done = true;
		}
	}
	closedir(stream);
	return result;
}

static int remove_at(struct removal *removal, int parent, const char *name, int depth, struct error *err)
{
	if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return error_set(err, errno, "%s", name);
	if (unlinkat(parent, name, AT_REMOVEDIR) == 0)
		return 0;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return error_set(err, errno, "%s", name);
	return depth == MAX_DEPTH ? move_up(removal, parent, name, err) : remove_directory(removal, parent, name, depth, err);
}

int remove_tree(int parent, const char *name, struct error *err)
{
	struct removal removal = { .top = -1 };

	return remove_at(&removal, parent, name, 0, err);
}

int remove_entries(int directory, char *const *names, size_t count, struct error *err)
{
	struct removal removal = { .top = directory };
	int result = 0;

	for (size_t i = 0; i < count + removal.moved; i++) {
		char moved[48];
		struct error problem;

		if (i >= count)
			format_moved(moved, sizeof(moved), (unsigned int)(i - count));
		if (remove_at(&removal, directory, i < count ? names[i] : moved, 0, &problem) < 0 && result == 0) {
			*err = problem;
			result = -1;
		}
	}
	return result;
}
