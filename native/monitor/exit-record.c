#include "monitor/exit-record.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/deadline.h"
#include "lib/fd.h"

#define VERSION 1
#define NAME_SIZE 32

void exit_record_write(const struct job *job)
{
	char name[NAME_SIZE], text[80];
	struct error ignored;

	snprintf(name, sizeof(name), "%u.exit", job->id);
	int size = snprintf(text, sizeof(text), "%d %u %u %llu\n", VERSION, job->exit_kind, job->exit_value, (unsigned long long)job->total);
	_cleanup_close_ int fd = openat(job->spool.directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd >= 0)
		fd_write_all(fd, text, (size_t)size, deadline_in_ms(1000), &ignored);
}

void exit_record_remove(struct job *job)
{
	char name[NAME_SIZE];

	if (job->exit_kind == 0 || job->id & SHELL_JOB_BIT)
		return;
	snprintf(name, sizeof(name), "%u.exit", job->id);
	unlinkat(job->spool.directory, name, 0);
	job->exit_kind = 0;
}
