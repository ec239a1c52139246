#include "iomux/one-job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/deadline.h"
#include "lib/fd.h"
#include "monitor/accepting.h"
#include "monitor/connection.h"
#include "monitor/follow.h"
#include "monitor/input.h"
#include "monitor/jobs.h"
#include "monitor/output.h"
#include "monitor/parameters.h"
#include "monitor/requests.h"

#define MAX_LINKS 64u

/* The monitor is the first member. */
static struct one_job *of(struct monitor *monitor)
{
	return (struct one_job *)monitor;
}

static void say(const char *text)
{
	struct error ignored;

	fd_write_all(STDOUT_FILENO, text, strlen(text), deadline_in_ms(1000), &ignored);
}

/* Known before the program's end is, and told before it. */
static void take_result(struct one_job *one)
{
	if (one->executed.fd < 0)
		return;
	loop_remove(&one->monitor.loop, &one->executed);
	one->executed.fd = -1;
	/* One that was killed before it was told to begin has not failed to, either. */
	bool told = one->program.go < 0;

	if (program_read_result(&one->program) == 0 && told)
		say("child active\n");
	/* Whoever reads what we say to its end shall not have to wait for ours. */
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	dup2(null, STDOUT_FILENO);
	close_fd(null);
}

static void on_executed(struct source *source, uint32_t events)
{
	(void)events;
	take_result((struct one_job *)((char *)source - offsetof(struct one_job, executed)));
}

static void on_end(struct source *source, uint32_t events)
{
	struct one_job *one = of((struct monitor *)((char *)source - offsetof(struct monitor, pidfd)));
	struct job *job = &one->job;

	(void)events;
	take_result(one);
	loop_remove(&one->monitor.loop, source);
	program_reap(&one->program, &job->exit_kind, &job->exit_value);
	source->fd = one->program.pidfd = close_fd(source->fd);
	output_drain(job);
	if (job->over_limit) {
		job->exit_kind = EXIT_SIGNALLED;
		job->exit_value = SIGKILL;
	}
	job->phase = JOB_OVER;
	output_end(job);
	follow_end(job);
}

static void init_job(struct one_job *one, uint64_t output_limit)
{
	struct job *job = &one->job;

	*job = (struct job){ .monitor = &one->monitor, .id = THE_JOB, .phase = JOB_STARTED, .output_limit = output_limit };
	for (int i = 0; i < 2; i++)
		job->pipes[i] = (struct job_pipe){ .source.fd = -1, .write_end = -1, .stream = i == 0 ? STREAM_STDOUT : STREAM_STDERR, .job = job };
	input_init(job);
	spool_init(&job->spool, one->place.fd, THE_JOB);
	one->monitor.jobs = job;
}

int one_job_init(struct one_job *one, int fds[4], uint64_t output_limit, struct error *err)
{
	struct monitor *monitor = &one->monitor;

	if (loop_init(&monitor->loop, err) < 0)
		return -1;
	init_job(one, output_limit);
	monitor->pidfd = (struct source){ .fd = one->program.pidfd, .ready = on_end };
	one->executed = (struct source){ .fd = one->program.executed, .ready = on_executed };
	if (output_init(monitor, err) < 0 || output_attach(&one->job, fds, err) < 0 || accepting_begin(monitor, one->place.listener, MAX_LINKS, err) < 0 ||
	    loop_add(&monitor->loop, &monitor->pidfd, EPOLLIN, err) < 0 || loop_add(&monitor->loop, &one->executed, EPOLLIN, err) < 0)
		return -1;
	return 0;
}

void one_job_begin(struct one_job *one)
{
	if (one->program.go >= 0)
		program_go(&one->program);
}

static void stop_listening(struct one_job *one)
{
	if (one->monitor.listener.fd >= 0)
		loop_remove(&one->monitor.loop, &one->monitor.listener);
	one->monitor.listener.fd = -1;
	meeting_place_close(&one->place);
}

void one_job_give_up(struct one_job *one)
{
	if (one->program.pidfd >= 0)
		program_signal(&one->program, SIGKILL);
	stop_listening(one);
	while (one->monitor.connections != NULL)
		connection_close(one->monitor.connections);
	one->job.forgotten = one->given_up = true;
}

bool one_job_is_finished(const struct one_job *one)
{
	return one->job.forgotten && one->monitor.connection_count == 0;
}

void one_job_remove(struct one_job *one)
{
	output_detach(&one->job);
	spool_remove(&one->job.spool);
	meeting_place_remove(&one->place);
}

/* jobs.h: it lives as long as we do. */
void jobs_release(struct job *job)
{
	(void)job;
}

void jobs_exceeded(struct job *job)
{
	program_signal(&of(job->monitor)->program, SIGKILL);
}

static int check_id(const struct parameters *parameters, const struct job *job, struct error *err)
{
	if (!parameters->has_job_id || parameters->job_id != THE_JOB || job->forgotten)
		return error_set(err, ENOENT, "no such job: %u", parameters->job_id);
	return 0;
}

static int follow(struct connection *connection, const struct parameters *parameters, struct error *err)
{
	struct one_job *one = of(connection->monitor);
	struct job *job = &one->job;

	err->step = "follow";
	if (check_id(parameters, job, err) < 0)
		return -1;
	if (follow_begin(connection, job, parameters, err) < 0)
		return -1;
	one_job_begin(one);
	return 0;
}

static int forget(struct connection *connection, const struct parameters *parameters, struct error *err)
{
	struct one_job *one = of(connection->monitor);

	err->step = "forget";
	if (check_id(parameters, &one->job, err) < 0)
		return -1;
	if (one->job.phase != JOB_OVER)
		return error_set(err, EBUSY, "the program still runs");
	one->job.forgotten = true;
	stop_listening(one);
	connection_reply_ok(connection);
	return 0;
}

/* requests.h */
void requests_serve(struct connection *connection, const struct frame *frame)
{
	struct error err = { .step = "read request" };
	struct parameters parameters;
	int result;

	if (parameters_read(frame, &parameters, &err) < 0) {
		connection_close(connection);
		return;
	}
	if (frame->type == WIRE_FOLLOW)
		result = follow(connection, &parameters, &err);
	else if (frame->type == WIRE_FORGET)
		result = forget(connection, &parameters, &err);
	else
		result = error_set(&err, EBADMSG, "request of type %u", frame->type);
	if (result < 0)
		connection_reply_error(connection, &err);
}
