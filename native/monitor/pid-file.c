#include "monitor/pid-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/deadline.h"
#include "lib/fd.h"

static int read_start_time(unsigned long long *ret_ticks, struct error *err)
{
	_cleanup_close_ int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	size_t size;

	if (fd < 0)
		return error_set(err, errno, "/proc/self/stat");
	if (fd_read_file(fd, 4096, &text, &size, err) < 0)
		return -1;
	/* The second field is the name, in parentheses, and may hold anything: count from its end. */
	char *field = strrchr(text, ')');

	for (int i = 2; field != NULL && i < 22; i++)
		field = strchr(field + 1, ' ');
	if (field == NULL)
		return error_set(err, EBADMSG, "/proc/self/stat");
	*ret_ticks = strtoull(field + 1, NULL, 10);
	return 0;
}

int pid_file_write(int directory, const char *name, struct error *err)
{
	unsigned long long ticks = 0;
	char text[64];

	if (read_start_time(&ticks, err) < 0)
		return -1;
	int size = snprintf(text, sizeof(text), "%d %llu\n", getpid(), ticks);
	_cleanup_close_ int fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return error_set(err, errno, "%s", name);
	return fd_write_all(fd, text, (size_t)size, deadline_in_ms(1000), err);
}
