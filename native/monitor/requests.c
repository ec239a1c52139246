#include "monitor/requests.h"

#include <errno.h>
#include <string.h>

#include "monitor/connection.h"
#include "monitor/empty.h"
#include "monitor/destroy.h"
#include "monitor/events.h"
#include "monitor/exit-record.h"
#include "monitor/follow.h"
#include "monitor/input.h"
#include "monitor/job-log.h"
#include "monitor/jobs.h"
#include "monitor/naming.h"
#include "monitor/parameters.h"
#include "monitor/run-packet.h"
#include "monitor/transfers.h"
#include "monitor/wshd-channel.h"

#define MAX_COMMAND 256u
#define MAX_TIMEOUT_MS (UINT64_MAX >> 2)

static int check_alive(const struct monitor *monitor, struct error *err)
{
	if (monitor->dead || monitor->wshd.fd < 0)
		return error_set(err, ESRCH, "PID 1 of the container is dead");
	return monitor->destroying ? error_set(err, ESHUTDOWN, "the container is being destroyed") : 0;
}

static void start(struct connection *connection, struct job *job)
{
	struct monitor *monitor = connection->monitor;
	uint32_t id = job->id;

	connection->job = job;
	connection->end = UINT64_MAX;
	connection->only_stream = 0;
	connection->phase = CONNECTION_STARTING;
	connection_update(connection, false);
	jobs_send_pending(monitor);
	/*
	 * A job that runs on gets its group's name later (jobs_prepare_next). Only in a nested container can it do anything with a name.
	 * The job may be gone, and the connection too.
	 */
	job = monitor->container.cgroups.nested ? jobs_find(monitor, id) : NULL;
	if (job != NULL)
		prepared_name_group(&monitor->prepared, &monitor->container.cgroups, &job->group, id);
}

/* What does not come with RUN is made by wshd. */
static int add_input(struct job *job, const struct parameters *parameters, struct error *err)
{
	if (!job->terminal && !job->open_input)
		return run_packet_add_input(job, parameters->has_script ? &parameters->script : NULL, err);
	if (parameters->has_script)
		return error_set(err, EINVAL, "a script is the whole standard input: no terminal or open input besides");
	return 0;
}

static int take_command(struct job *job, const struct parameters *parameters, struct error *err)
{
	if (!parameters->has_command)
		return 0;
	if (parameters->command.size > MAX_COMMAND)
		return error_set(err, E2BIG, "command to show of %u bytes, at most %u", parameters->command.size, MAX_COMMAND);
	return wire_string(&parameters->command, MAX_COMMAND, &job->command, err);
}

static int take_timeout(struct job *job, const struct parameters *parameters, struct error *err)
{
	if (parameters->has_timeout && parameters->timeout_ms == 0)
		return error_set(err, EINVAL, "a time-out of 0 ms");
	/* Longer than any machine runs is none. */
	if (parameters->timeout_ms <= MAX_TIMEOUT_MS)
		job->timeout_ms = parameters->timeout_ms;
	return 0;
}

static int spawn(struct connection *connection, const struct frame *frame, const struct parameters *parameters, struct error *err)
{
	struct monitor *monitor = connection->monitor;

	err->step = "start job";
	if (check_alive(monitor, err) < 0)
		return -1;
	if (!parameters->has_job_id || parameters->job_id & SHELL_JOB_BIT)
		return error_set(err, EINVAL, "job id %u", parameters->job_id);
	struct job *job = jobs_add(monitor, parameters->job_id, err);

	if (job == NULL)
		return -1;
	job->output_limit = parameters->output_limit;
	job->discard = parameters->discard != 0;
	job->terminal = parameters->terminal != 0;
	job->open_input = parameters->open_input != 0;
	if (take_command(job, parameters, err) < 0 || take_timeout(job, parameters, err) < 0 || job_log_open(job, frame, err) < 0 ||
	    run_packet_from_spawn(job, frame, err) < 0 || add_input(job, parameters, err) < 0) {
		jobs_discard(job);
		return -1;
	}
	connection->follow = parameters->follow != 0;
	connection->forget = connection->follow && parameters->has_forget;
	connection->forget_up_to = parameters->forget_up_to;
	connection->output_up_to = parameters->output_up_to;
	start(connection, job);
	return 0;
}

static int shell(struct connection *connection, const struct frame *frame, struct error *err)
{
	struct monitor *monitor = connection->monitor;

	err->step = "start shell";
	if (check_alive(monitor, err) < 0)
		return -1;
	struct job *job = jobs_add(monitor, SHELL_JOB_BIT | monitor->next_shell++ % SHELL_JOB_BIT, err);

	if (job == NULL)
		return -1;
	if (run_packet_from_shell(job, frame, err) < 0) {
		jobs_discard(job);
		return -1;
	}
	start(connection, job);
	return 0;
}

static struct job *find(struct monitor *monitor, const struct parameters *parameters, struct error *err)
{
	struct job *job = parameters->has_job_id ? jobs_find(monitor, parameters->job_id) : NULL;

	if (job == NULL || job->phase == JOB_PENDING || job->phase == JOB_STARTING) {
		error_set(err, ENOENT, "no such job: %u", parameters->job_id);
		return NULL;
	}
	return job;
}

static int follow(struct connection *connection, const struct parameters *parameters, struct error *err)
{
	err->step = "follow job";
	struct job *job = find(connection->monitor, parameters, err);

	if (job == NULL)
		return -1;
	return follow_begin(connection, job, parameters, err);
}

static int forget(struct connection *connection, const struct parameters *parameters, struct error *err)
{
	err->step = "forget job";
	struct job *job = find(connection->monitor, parameters, err);

	if (job == NULL)
		return -1;
	if (job->phase != JOB_OVER)
		return error_set(err, EBUSY, "job %u is still running", job->id);
	jobs_forget(job);
	connection_reply_ok(connection);
	return 0;
}

static int kill_job(struct connection *connection, const struct parameters *parameters, struct error *err)
{
	err->step = "kill job";
	struct job *job = find(connection->monitor, parameters, err);

	if (job == NULL)
		return -1;
	if (parameters->signal == 0 || parameters->signal > 64)
		return error_set(err, EINVAL, "signal %u", parameters->signal);
	if (jobs_signal(job, (int)parameters->signal, err) < 0)
		return -1;
	connection_reply_ok(connection);
	return 0;
}

static int give_input(struct connection *connection, const struct parameters *parameters, struct error *err)
{
	err->step = "give input";
	struct job *job = find(connection->monitor, parameters, err);

	if (job == NULL)
		return -1;
	return input_give(connection, job, parameters->has_content ? &parameters->content : NULL, parameters->close_input != 0, err);
}

static int resize(struct connection *connection, const struct parameters *parameters, struct error *err)
{
	err->step = "resize terminal";
	struct job *job = find(connection->monitor, parameters, err);

	if (job == NULL || input_resize(job, parameters->rows, parameters->columns, err) < 0)
		return -1;
	connection_reply_ok(connection);
	return 0;
}

static int transfer(struct connection *connection, const struct frame *frame, struct error *err)
{
	err->step = "start transfer";
	if (check_alive(connection->monitor, err) < 0)
		return -1;
	return transfers_begin(connection, frame, err);
}

/* Whose container it is, in a uid of the host: a wardend that cannot read its own record gives that uid to nobody else. */
static void put_vcap(struct wire_buffer *buffer, const struct container *container)
{
	for (size_t i = 0; i < container->user_count; i++)
		if (strcmp(container->users[i].name, "vcap") == 0)
			wire_put_u32(buffer, TAG_UID, container->users[i].uid);
}

/* At most 2048 jobs of 404 bytes, less than what a connection may have queued. */
static void list(struct connection *connection)
{
	wire_begin(&connection->out, WIRE_OK);
	put_vcap(&connection->out, &connection->monitor->container);
	for (const struct job *job = connection->monitor->jobs; job != NULL; job = job->next) {
		if (job->forgotten || job->id & SHELL_JOB_BIT || job->phase < JOB_STARTED)
			continue;
		size_t opened = wire_open(&connection->out, TAG_JOB);

		wire_put_u32(&connection->out, TAG_JOB_ID, job->id);
		wire_put_u32(&connection->out, TAG_STATE, job->phase == JOB_OVER ? JOB_ENDED : JOB_RUNNING);
		wire_put_u64(&connection->out, TAG_POSITION, job->total);
		wire_put_u32(&connection->out, TAG_PID, job->pid);
		wire_put_u64(&connection->out, TAG_STARTED_MS, (uint64_t)job->started_ms);
		if (job->command != NULL)
			wire_put_string(&connection->out, TAG_COMMAND, job->command);
		if (job->phase == JOB_OVER) {
			exit_record_put(&connection->out, job);
			wire_put_u64(&connection->out, TAG_ENDED_MS, (uint64_t)job->ended_ms);
		}
		wire_close(&connection->out, opened);
	}
	connection_send(connection);
}

static int signal_all(struct connection *connection, const struct parameters *parameters, struct error *err)
{
	err->step = "signal all processes";
	if (wshd_channel_signal_all(connection->monitor, parameters->signal, err) < 0)
		return -1;
	connection_reply_ok(connection);
	return 0;
}

/* A destroy that has begun goes on without whoever asked for it: a new wardend has to finish its part. */
static int watch(struct connection *connection, struct error *err)
{
	err->step = "watch";
	if (connection->monitor->destroying)
		return error_set(err, ESHUTDOWN, "the container is being destroyed");
	events_begin_watch(connection);
	return 0;
}

void requests_serve(struct connection *connection, const struct frame *frame)
{
	struct error err = { .step = "read request" };
	struct parameters parameters;
	int result = parameters_read(frame, &parameters, &err);

	connection->forget = false;

	if (result < 0) {
		connection_close(connection);
		return;
	}
	switch (frame->type) {
	case WIRE_SPAWN:
		result = spawn(connection, frame, &parameters, &err);
		break;
	case WIRE_SHELL:
		result = shell(connection, frame, &err);
		break;
	case WIRE_FOLLOW:
		result = follow(connection, &parameters, &err);
		break;
	case WIRE_FORGET:
		result = forget(connection, &parameters, &err);
		break;
	case WIRE_KILL_JOB:
		result = kill_job(connection, &parameters, &err);
		break;
	case WIRE_INPUT:
		result = give_input(connection, &parameters, &err);
		break;
	case WIRE_RESIZE:
		result = resize(connection, &parameters, &err);
		break;
	case WIRE_TRANSFER:
		result = transfer(connection, frame, &err);
		break;
	case WIRE_LIST:
		list(connection);
		break;
	case WIRE_SIGNAL_ALL:
		result = signal_all(connection, &parameters, &err);
		break;
	case WIRE_AWAIT_EMPTY:
		err.step = "signal all processes";
		if (parameters.signal != 0 && (result = wshd_channel_signal_all(connection->monitor, parameters.signal, &err)) < 0)
			break;
		connection->phase = CONNECTION_AWAITING_EMPTY;
		connection_update(connection, false);
		empty_check(connection->monitor);
		break;
	case WIRE_NAME:
		result = naming_begin(connection, frame, &err);
		break;
	case WIRE_WATCH:
		result = watch(connection, &err);
		break;
	case WIRE_DESTROY:
		err.step = "destroy";
		if (parameters.if_empty && !connection->monitor->destroying && !empty_holds(connection->monitor)) {
			result = error_set(&err, EBUSY, "processes are left");
			break;
		}
		connection->tell_dead = parameters.tell_dead;
		connection->phase = CONNECTION_DESTROYING;
		connection_update(connection, false);
		destroy_begin(connection->monitor);
		break;
	default:
		result = error_set(&err, EBADMSG, "request of type %u", frame->type);
	}
	if (result < 0)
		connection_reply_error(connection, &err);
}
