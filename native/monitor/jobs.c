#include "monitor/jobs.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "lib/deadline.h"
#include "lib/fd.h"
#include "monitor/connection.h"
#include "monitor/empty.h"
#include "monitor/events.h"
#include "monitor/exit-record.h"
#include "monitor/follow.h"
#include "monitor/input.h"
#include "monitor/job-log.h"
#include "monitor/memory-watch.h"
#include "monitor/output.h"
#include "monitor/scratch.h"
#include "monitor/usage.h"
#include "monitor/wshd-channel.h"

#define MAX_OUTSTANDING 32u
#define START_DEADLINE_MS 2000
/* The kernel has no event for an emptied group of version 1. */
#define REMOVAL_FIRST_MS 100
/* A page of memory is asked for and given back with every job, unless it is kept. */
#define KEPT_CAPACITY 4096u
/* Longer than a short job: when one runs on its group gets its name, and the next one's is made. */
#define GROUP_DELAY_MS 10

struct job *jobs_find(struct monitor *monitor, uint32_t id)
{
	struct job *job = monitor->jobs;

	while (job != NULL && (job->id != id || job->forgotten))
		job = job->next;
	return job;
}

static bool has_room(const struct monitor *monitor)
{
	return monitor->job_count - monitor->left_count < MAX_JOBS && monitor->left_count < MAX_LEFT_JOBS;
}

static void wake_at(struct monitor *monitor, int64_t at)
{
	if (monitor->timer.at == 0 || at < monitor->timer.at)
		monitor->timer.at = at;
}

struct job *jobs_add(struct monitor *monitor, uint32_t id, struct error *err)
{
	struct job *job;
	int join;

	if (jobs_find(monitor, id) != NULL) {
		error_set(err, EEXIST, "job %u", id);
		return NULL;
	}
	if (!has_room(monitor)) {
		jobs_remove_groups(monitor);
		if (!has_room(monitor)) {
			error_set(err, ENOSPC, "%u jobs, and processes of %u ended ones", monitor->job_count - monitor->left_count, monitor->left_count);
			return NULL;
		}
	}
	job = calloc(1, sizeof(*job));
	if (job == NULL) {
		error_set(err, ENOMEM, "job %u", id);
		return NULL;
	}
	if (prepared_take_group(&monitor->prepared, &monitor->container.cgroups, id, &job->group, &join, err) < 0) {
		free(job);
		return NULL;
	}
	job->monitor = monitor;
	job->id = id;
	job->run_fds[0] = job->run_fds[1] = -1;
	job->run = monitor->run;
	monitor->run = (struct wire_buffer){ 0 };
	/* Behind standard input, which is put in front when there is one. */
	if (join >= 0)
		job->run_fds[job->run_fd_count++] = join;
	for (int i = 0; i < 2; i++)
		job->pipes[i] = (struct job_pipe){ .source.fd = -1, .write_end = -1, .stream = i == 0 ? STREAM_STDOUT : STREAM_STDERR, .job = job };
	input_init(job);
	spool_init(&job->spool, monitor->container.directories.jobs, id);
	job->next = monitor->jobs;
	monitor->jobs = job;
	monitor->job_count++;
	return job;
}

static void free_run(struct job *job)
{
	struct monitor *monitor = job->monitor;

	if (monitor->run.data == NULL && job->run.capacity <= KEPT_CAPACITY) {
		monitor->run = (struct wire_buffer){ .data = job->run.data, .capacity = job->run.capacity };
		job->run = (struct wire_buffer){ 0 };
	}
	wire_buffer_free(&job->run);
	for (int i = 0; i < 2; i++)
		job->run_fds[i] = close_fd(job->run_fds[i]);
	job->run_fd_count = 0;
}

/* Nobody waits any more for what the start has left. */
static void settle_start(struct job *job)
{
	struct monitor *monitor = job->monitor;

	/* The group's comes last. */
	if (job->group.directory >= 0 && job->run_fd_count > 0)
		prepared_keep_join(&monitor->prepared, job->id, steal_fd(&job->run_fds[--job->run_fd_count]));
	free_run(job);
	prepared_make_script(&monitor->prepared);
	usage_open(&monitor->container.usage, &monitor->container.cgroups);
	/* A job that has ended by then leaves its own. */
	if (prepared_lacks_group(&monitor->prepared) && monitor->group_timer.at == 0)
		monitor->group_timer.at = deadline_in_ms(GROUP_DELAY_MS);
}

void jobs_discard(struct job *job)
{
	free_run(job);
	job_log_close(job);
	job->phase = JOB_OVER;
	jobs_forget(job);
}

void jobs_release(struct job *job)
{
	struct monitor *monitor = job->monitor;
	struct job **link = &monitor->jobs;
	struct error ignored;

	/* jobs_end() has still to do with it, and sees to that itself. */
	if (job->forget && !job->forgotten && !job->ending) {
		jobs_forget(job);
		return;
	}
	if (!job->forgotten || follow_has_followers(job))
		return;
	spool_remove(&job->spool);
	exit_record_remove(job);
	if (output_is_open(job))
		return;
	if (job_group_remove(&monitor->container.cgroups, &job->group, &ignored) < 0) {
		if (monitor->removal_at == 0) {
			monitor->removal_delay = REMOVAL_FIRST_MS;
			monitor->removal_at = deadline_in_ms(REMOVAL_FIRST_MS);
			wake_at(monitor, monitor->removal_at);
		}
		return;
	}
	while (*link != job)
		link = &(*link)->next;
	*link = job->next;
	monitor->left_count--;
	if (--monitor->job_count == 0)
		scratch_trim();
#ifdef WARDEN_FAULTS
	/* Whoever still uses it shall fall. */
	explicit_bzero(job, sizeof(*job));
#endif
	free(job);
}

void jobs_forget(struct job *job)
{
	job->monitor->left_count += !job->forgotten;
	job->forgotten = true;
	free(job->command);
	job->command = NULL;
	/* Nobody can name it any more: only a kill that has begun still needs this. */
	if (!job->killing)
		job->group.directory = close_fd(job->group.directory);
	jobs_release(job);
}

/* The connection that SPAWN or SHELL came by, if it is still there. */
static struct connection *find_starter(const struct job *job)
{
	struct connection *connection = job->monitor->connections;

	while (connection != NULL && !(connection->job == job && connection->phase == CONNECTION_STARTING))
		connection = connection->next;
	return connection;
}

static void expect_answer(struct monitor *monitor, int milliseconds)
{
	monitor->answer_awaited_since = clock_now_ms();
	monitor->start_deadline = deadline_in_ms(milliseconds);
	wake_at(monitor, monitor->start_deadline);
}

void jobs_answered(struct monitor *monitor)
{
	monitor->outstanding -= monitor->outstanding > 0;
	if (monitor->outstanding > 0)
		expect_answer(monitor, START_DEADLINE_MS);
	else
		monitor->start_deadline = 0;
}

void jobs_send_pending(struct monitor *monitor)
{
	while (!monitor->dead && !monitor->wshd_full && monitor->outstanding < MAX_OUTSTANDING) {
		struct job *oldest = NULL;
		struct error err = { .step = "start job" };
		int result;

		/* New ones are put in front. */
		for (struct job *job = monitor->jobs; job != NULL; job = job->next)
			if (job->phase == JOB_PENDING)
				oldest = job;
		if (oldest == NULL)
			return;
		result = wshd_channel_send(monitor, &oldest->run, oldest->run_fds, oldest->run_fd_count, &err);
		if (result == 0)
			return;
		if (result < 0) {
			jobs_failed(oldest, &err);
			continue;
		}
		/* What it took is given back with the answer: wshd, which this has woken, is mostly put on our processor and runs when we wait. */
		oldest->phase = JOB_STARTING;
		if (monitor->outstanding++ == 0)
			expect_answer(monitor, START_DEADLINE_MS);
	}
}

static int attach(struct job *job, int *fds, size_t fd_count)
{
	bool shell = job->id & SHELL_JOB_BIT;
	struct error ignored;

	if (fd_count != (shell || job->terminal ? 1u : job->open_input ? 5u : 4u))
		return -1;
	if (shell)
		return 0;
	if (job->open_input && !job->terminal && input_attach(job, steal_fd(&fds[4]), &ignored) < 0)
		return -1;
	return output_attach(job, fds, &ignored);
}

void jobs_running(struct job *job, uint32_t pid, int *fds, size_t fd_count)
{
	struct connection *connection = find_starter(job);
	bool shell = job->id & SHELL_JOB_BIT;

	job->phase = JOB_STARTED;
	job->pid = pid;
	job->started_ms = clock_wall_ms();
	if (job->timeout_ms != 0) {
		job->timeout_at = deadline_in_ms((int64_t)job->timeout_ms);
		wake_at(job->monitor, job->timeout_at);
	}
	if (attach(job, fds, fd_count) < 0) {
		/* It runs, but nobody could see its output: better none at all. */
		job->over_limit = true;
		jobs_exceeded(job);
	}
	if (connection != NULL && shell) {
		connection_reply_terminal(connection, fds[0]);
	} else if (connection != NULL && connection->follow) {
		connection->position = 0;
		connection->phase = CONNECTION_FOLLOWING;
		connection_begin_reply(connection);
	} else if (connection != NULL) {
		connection->job = NULL;
		connection_reply_ok(connection);
	}
	settle_start(job);
}

void jobs_failed(struct job *job, const struct error *problem)
{
	struct connection *connection = find_starter(job);

	if (connection != NULL) {
		connection->job = NULL;
		connection_reply_error(connection, problem);
	}
	jobs_discard(job);
}

void jobs_end(struct job *job, uint32_t exit_kind, uint32_t exit_value, bool last)
{
	struct monitor *monitor = job->monitor;
	bool shell = job->id & SHELL_JOB_BIT;
	struct error ignored, problem = { .step = "write exit record" };

	input_end(job);
	output_drain(job);
	job_log_close(job);
	/* One that was killed for its output or its time may have exited by itself a moment before: what counts is that it was cut off. */
	bool cut_off = job->over_limit || job->timed_out;

	job->exit_kind = cut_off ? EXIT_SIGNALLED : exit_kind;
	job->exit_value = cut_off ? SIGKILL : exit_value;
	job->ended_ms = clock_wall_ms();
	job->phase = JOB_OVER;
	memory_watch_job_ended(job);
	/* Whoever follows is about to be told; then the file would only be made to be removed again. */
	if (!shell && !follow_is_awaited(job)) {
		job->recorded = exit_record_write(job, &problem) == 0;
		if (!job->recorded) {
			job->record_errno = (uint32_t)problem.number;
			events_record_failed(monitor, job);
		}
	}
	/* Nobody who waits for the end has to wait for the cleaning up: the next request is read after it. */
	job->ending = true;
	follow_end(job);
	job->ending = false;
	if (!shell)
		events_job_ended(monitor, job);
	output_end(job);
	if (prepared_take_back(&monitor->prepared, &monitor->container.cgroups, job->id, &job->group, last && !monitor->destroying))
		monitor->group_timer.at = 0;
	else
		job_group_remove(&monitor->container.cgroups, &job->group, &ignored);
	if (shell || job->forget)
		jobs_forget(job);
	empty_check(monitor);
}

int jobs_signal(struct job *job, int signal, struct error *err)
{
	struct monitor *monitor = job->monitor;
	int count;

	if (job->group.directory < 0 && job->phase == JOB_OVER)
		return 0;
	if (job->group.directory < 0)
		return wshd_channel_signal_job(monitor, job, (uint32_t)signal, err) < 0 ? -1 : 0;
	count = job_group_signal(&monitor->container.cgroups, &job->group, signal, err);
	if (count < 0)
		return -1;
	if (signal == SIGKILL && count > 0) {
		job->killing = true;
		monitor->timer.at = deadline_in_ms(KILL_INTERVAL_MS);
	}
	return 0;
}

void jobs_exceeded(struct job *job)
{
	struct error err;

	events_output_limit(job->monitor, job);
	/* One that cannot be killed is left to SIGPIPE. */
	if (jobs_signal(job, SIGKILL, &err) < 0) {
		output_detach(job);
		input_end(job);
	}
}

static struct job *find_unfinished(const struct monitor *monitor)
{
	struct job *job = monitor->jobs;

	while (job != NULL && job->phase == JOB_OVER)
		job = job->next;
	return job;
}

void jobs_lose_all(struct monitor *monitor)
{
	struct job *job;
	struct error err = { .step = "start job" };

	error_set(&err, ESRCH, "PID 1 of the container is dead");
	/* From the beginning each time: the end of a job takes others' output along, which may free any job that is over. */
	while ((job = find_unfinished(monitor)) != NULL) {
		if (job->phase == JOB_STARTED)
			jobs_end(job, EXIT_LOST, 0, false);
		else
			jobs_failed(job, &err);
	}
	monitor->outstanding = 0;
	monitor->start_deadline = 0;
	empty_check(monitor);
}
