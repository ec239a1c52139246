#include "monitor/exit-record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/deadline.h"
#include "lib/fd.h"

#define VERSION 1
#define NAME_SIZE 32

int exit_record_write(const struct job *job, struct error *err)
{
	char name[NAME_SIZE], part[NAME_SIZE], text[96];

	snprintf(name, sizeof(name), "%u.exit", job->id);
	snprintf(part, sizeof(part), "%u.exit.part", job->id);
	int size = snprintf(text, sizeof(text), "%d %u %u %llu%s\n", VERSION, job->exit_kind, job->exit_value, (unsigned long long)job->total,
			    job->timed_out ? " timed-out" : "");
	_cleanup_close_ int fd = openat(job->spool.directory, part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return error_set(err, errno, "jobs/%s", part);
	/* Under its name only when it is whole: on a full disk there would be an empty one. */
	if (fd_write_all(fd, text, (size_t)size, deadline_in_ms(1000), err) == 0 && renameat(job->spool.directory, part, job->spool.directory, name) == 0)
		return 0;
	if (err->number == 0)
		error_set(err, errno, "jobs/%s", name);
	unlinkat(job->spool.directory, part, 0);
	return -1;
}

void exit_record_remove(struct job *job)
{
	char name[NAME_SIZE];

	if (!job->recorded)
		return;
	snprintf(name, sizeof(name), "%u.exit", job->id);
	unlinkat(job->spool.directory, name, 0);
	job->recorded = false;
}

void exit_record_put(struct wire_buffer *buffer, const struct job *job)
{
	wire_put_u32(buffer, TAG_EXIT_KIND, job->exit_kind);
	wire_put_u32(buffer, TAG_EXIT_VALUE, job->exit_value);
	if (job->over_limit)
		wire_put_u32(buffer, TAG_OUTPUT_CUT, 1);
	if (job->timed_out)
		wire_put_u32(buffer, TAG_TIMED_OUT, 1);
	if (job->out_of_memory)
		wire_put_u32(buffer, TAG_OUT_OF_MEMORY, 1);
}
