#include "lib/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/deadline.h"
#include "lib/fd.h"

enum { WRITE_DEADLINE_MS = 10000 };

int file_replace(const char *path, const void *data, size_t size, struct error *err)
{
	char part[PATH_MAX];

	if (snprintf(part, sizeof(part), "%s.part", path) >= (int)sizeof(part))
		return error_set(err, ENAMETOOLONG, "%.200s", path);
	_cleanup_close_ int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return error_set(err, errno, "%.200s", part);
	if (fd_write_all(fd, data, size, deadline_in_ms(WRITE_DEADLINE_MS), err) < 0)
		error_set(err, err->number, "%.200s", part);
	else if (rename(part, path) == 0)
		return 0;
	else
		error_set(err, errno, "%.200s", path);
	unlink(part);
	return -1;
}
