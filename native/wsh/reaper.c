#include "wsh/reaper.h"

#include <errno.h>
#include <stddef.h>
#include <sys/wait.h>

struct running {
	pid_t pid;
	uint32_t job_id;
};

static struct running running[REAPER_MAX_JOBS];
static size_t running_count;

int reaper_reserve(struct error *err)
{
	if (running_count == REAPER_MAX_JOBS)
		return error_set(err, ENOSPC, "%d jobs run already", REAPER_MAX_JOBS);
	return 0;
}

void reaper_add(pid_t pid, uint32_t job_id)
{
	running[running_count++] = (struct running){ pid, job_id };
}

pid_t reaper_find(uint32_t job_id)
{
	for (size_t i = 0; i < running_count; i++)
		if (running[i].job_id == job_id)
			return running[i].pid;
	return 0;
}

int reaper_collect(uint32_t *ret_job_id, int *ret_status, struct error *err)
{
	pid_t pid = waitpid(-1, ret_status, WNOHANG);

	if (pid < 0)
		return error_set(err, errno, "waitpid");
	if (pid == 0)
		return error_set(err, EAGAIN, "children live");
	for (size_t i = 0; i < running_count; i++) {
		if (running[i].pid != pid)
			continue;
		*ret_job_id = running[i].job_id;
		running[i] = running[--running_count];
		return 1;
	}
	return 0;
}
