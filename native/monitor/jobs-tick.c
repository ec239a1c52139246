/*
 * What happens to jobs by the clock: kills until nobody is left, time-outs, groups that could not be removed yet, the name of a job's group and the group of
 * the next one, starts that hang.
 */
#include <signal.h>
#include <stdbool.h>

#include "lib/deadline.h"
#include "monitor/events.h"
#include "monitor/jobs.h"

#define STUCK_INTERVAL_MS 500
#define SIGNAL_AGAIN_MS 100
/* Less than wardend waits for the answer to its SPAWN. */
#define START_PATIENCE_MS 20000
#define REMOVAL_LAST_MS 500

/* Groups of forgotten jobs, whose background processes may have ended meanwhile. */
static void retry_removal(struct monitor *monitor, int64_t now)
{
	struct job *next;

	if (monitor->removal_at == 0 || monitor->removal_at > now)
		return;
	for (struct job *job = monitor->jobs; job != NULL; job = next) {
		next = job->next;
		jobs_release(job);
	}
	monitor->removal_delay = monitor->removal_delay * 2 < REMOVAL_LAST_MS ? monitor->removal_delay * 2 : REMOVAL_LAST_MS;
	/* Many groups are tried less often. */
	monitor->removal_at = monitor->left_count == 0 ? 0 : now + monitor->removal_delay + monitor->left_count / 4;
}

void jobs_prepare_next(struct monitor *monitor)
{
	const struct cgroups *cgroups = &monitor->container.cgroups;

	/* Also of a job that is over and forgotten, when a process of it is left. */
	for (struct job *job = monitor->jobs; job != NULL; job = job->next)
		prepared_name_group(&monitor->prepared, cgroups, &job->group, job->id);
	prepared_make_group(&monitor->prepared, cgroups);
}

bool jobs_remove_groups(struct monitor *monitor)
{
	struct job *next;
	struct error ignored;
	bool all = true;

	for (struct job *job = monitor->jobs; job != NULL; job = next) {
		next = job->next;
		if (job->phase != JOB_OVER)
			continue;
		all &= job_group_remove(&monitor->container.cgroups, &job->group, &ignored) == 0;
		jobs_release(job);
	}
	return all;
}

/*
 * wshd stands still until the job's process has executed its program, and a process of the same user may have stopped that
 * one, perhaps before it has joined its group: without it wshd goes on. One that is not stopped is mostly waiting for a processor,
 * where containers with more shares have them all, and gets the time for it.
 */
static void kill_stuck(struct monitor *monitor, int64_t now)
{
	bool only_stopped = now - monitor->answer_awaited_since < START_PATIENCE_MS;
	const struct cgroups *cgroups = &monitor->container.cgroups;
	struct error ignored;

	for (struct job *job = monitor->jobs; job != NULL; job = job->next) {
		if (job->phase != JOB_STARTING)
			continue;
		if (only_stopped)
			job_group_kill_stopped(cgroups, &job->group);
		else
			job_group_signal(cgroups, &job->group, SIGKILL, &ignored);
	}
	job_groups_kill_unjoined(cgroups, monitor->container.pid, only_stopped);
	monitor->start_deadline = deadline_in_ms(STUCK_INTERVAL_MS);
}

static int64_t earlier(int64_t one, int64_t other)
{
	return one == 0 || (other != 0 && other < one) ? other : one;
}

void jobs_time_out(struct job *job)
{
	struct error ignored;

	if (!job->timed_out)
		events_job_timed_out(job->monitor, job);
	job->timed_out = true;
	/* Without a group of its own it is wshd that kills, and that may be busy. */
	job->timeout_at = jobs_signal(job, SIGKILL, &ignored) < 0 ? deadline_in_ms(SIGNAL_AGAIN_MS) : 0;
}

/* Returns when the next one is due, 0: none. */
static int64_t end_late_jobs(struct monitor *monitor, int64_t now)
{
	int64_t next = 0;

	for (struct job *job = monitor->jobs; job != NULL; job = job->next) {
		if (job->timeout_at == 0 || job->phase != JOB_STARTED)
			continue;
		if (job->timeout_at <= now)
			jobs_time_out(job);
		next = earlier(next, job->timeout_at);
	}
	return next;
}

int64_t jobs_tick(struct monitor *monitor)
{
	int64_t now = clock_now_ms();
	bool killing = false;
	struct error ignored;

	retry_removal(monitor, now);
	int64_t next_timeout = end_late_jobs(monitor, now);

	for (struct job *job = monitor->jobs; job != NULL; job = job->next) {
		if (job->killing)
			job->killing = job_group_signal(&monitor->container.cgroups, &job->group, SIGKILL, &ignored) > 0;
		killing |= job->killing;
	}
	if (monitor->start_deadline != 0 && monitor->start_deadline <= now)
		kill_stuck(monitor, now);
	int64_t next_kill = killing ? now + KILL_INTERVAL_MS : 0;

	return earlier(earlier(monitor->removal_at, monitor->start_deadline), earlier(next_timeout, next_kill));
}
