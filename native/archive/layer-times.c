#include "archive/layer-times.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/fd.h"
#include "lib/syscalls.h"

enum { ROOM = 8 << 20 };   /* some hundred thousand directories */

/* Behind each other: eight bytes of time, and a path with its NUL. */
struct layer_times {
	size_t used;
	char text[ROOM];
};

struct layer_times *layer_times_new(void)
{
	return calloc(1, sizeof(struct layer_times));
}

void layer_times_free(struct layer_times *times)
{
	free(times);
}

void layer_times_note(struct layer_times *times, const char *path, int64_t seconds)
{
	size_t size = strlen(path) + 1;

	path += strspn(path, "/");
	size = strlen(path) + 1;
	if (size == 1 || size + sizeof(seconds) > ROOM - times->used)
		return;
	memcpy(times->text + times->used, &seconds, sizeof(seconds));
	memcpy(times->text + times->used + sizeof(seconds), path, size);
	times->used += sizeof(seconds) + size;
}

void layer_times_set(const struct layer_times *times, int root)
{
	for (size_t at = 0; at < times->used;) {
		struct timespec change[2] = { { .tv_nsec = UTIME_OMIT }, { 0 } };
		int64_t seconds;
		const char *path = times->text + at + sizeof(seconds);

		memcpy(&seconds, times->text + at, sizeof(seconds));
		change[1].tv_sec = seconds;
		_cleanup_close_ int fd = sys_openat2(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, WARDEN_RESOLVE_BENEATH | WARDEN_RESOLVE_NO_SYMLINKS);

		if (fd >= 0)
			futimens(fd, change);
		at += sizeof(seconds) + strlen(path) + 1;
	}
}
