#include "monitor/events.h"

#include "monitor/connection.h"
#include "monitor/exit-record.h"

static void put_event(struct wire_buffer *buffer, const struct event *event)
{
	wire_begin(buffer, WIRE_EVENT);
	wire_put_u32(buffer, TAG_EVENT, event->kind);
	if (event->kind != EVENT_OUT_OF_MEMORY)
		wire_put_u32(buffer, TAG_JOB_ID, event->job_id);
	if (event->kind == EVENT_RLIMIT_CLAMPED) {
		wire_put_u32(buffer, TAG_RESOURCE, event->resource);
		wire_put_u64(buffer, TAG_HARD, event->hard);
	}
}

static void put_job_ended(struct wire_buffer *buffer, const struct job *job)
{
	wire_begin(buffer, WIRE_EVENT);
	wire_put_u32(buffer, TAG_EVENT, EVENT_JOB_ENDED);
	wire_put_u32(buffer, TAG_JOB_ID, job->id);
	exit_record_put(buffer, job);
}

static void put_record_failed(struct wire_buffer *buffer, const struct job *job)
{
	wire_begin(buffer, WIRE_EVENT);
	wire_put_u32(buffer, TAG_EVENT, EVENT_RECORD_FAILED);
	wire_put_u32(buffer, TAG_JOB_ID, job->id);
	wire_put_u32(buffer, TAG_ERRNO, job->record_errno);
}

static void put_wshd_died(struct wire_buffer *buffer, const struct monitor *monitor)
{
	wire_begin(buffer, WIRE_EVENT);
	wire_put_u32(buffer, TAG_EVENT, EVENT_WSHD_DIED);
	wire_put_u32(buffer, TAG_STATUS, monitor->wshd_status);
}

/* The frame in `event` goes to every watcher. */
static void publish(struct monitor *monitor, struct wire_buffer *event)
{
	struct connection *next;
	struct error err;

	if (wire_end(event, &err) == 0) {
		for (struct connection *connection = monitor->connections; connection != NULL; connection = next) {
			next = connection->next;
			if (connection->phase != CONNECTION_WATCHING)
				continue;
			wire_begin(&connection->out, WIRE_EVENT);
			wire_put_raw(&connection->out, event->data + WIRE_HEADER_SIZE, event->size - WIRE_HEADER_SIZE);
			connection_send(connection);
		}
	}
	wire_buffer_free(event);
}

/* Two that differ only in their job are one for the container. */
static void keep(struct monitor *monitor, const struct event *event)
{
	for (uint32_t i = 0; i < monitor->kept_count; i++) {
		const struct event *kept = &monitor->kept[i];

		if (kept->kind == event->kind && kept->resource == event->resource && kept->hard == event->hard)
			return;
	}
	if (monitor->kept_count < MAX_KEPT_EVENTS)
		monitor->kept[monitor->kept_count++] = *event;
}

static void publish_kept(struct monitor *monitor, const struct event *event)
{
	struct wire_buffer frame = { 0 };

	keep(monitor, event);
	put_event(&frame, event);
	publish(monitor, &frame);
}

void events_output_limit(struct monitor *monitor, const struct job *job)
{
	publish_kept(monitor, &(struct event){ .kind = EVENT_OUTPUT_LIMIT, .job_id = job->id });
}

void events_job_timed_out(struct monitor *monitor, const struct job *job)
{
	publish_kept(monitor, &(struct event){ .kind = EVENT_JOB_TIMED_OUT, .job_id = job->id });
}

void events_rlimit_clamped(struct monitor *monitor, uint32_t job_id, uint32_t resource, uint64_t hard)
{
	publish_kept(monitor, &(struct event){ .kind = EVENT_RLIMIT_CLAMPED, .job_id = job_id, .resource = resource, .hard = hard });
}

void events_out_of_memory(struct monitor *monitor)
{
	publish_kept(monitor, &(struct event){ .kind = EVENT_OUT_OF_MEMORY });
}

void events_job_ended(struct monitor *monitor, const struct job *job)
{
	struct wire_buffer event = { 0 };

	put_job_ended(&event, job);
	publish(monitor, &event);
}

void events_record_failed(struct monitor *monitor, const struct job *job)
{
	struct wire_buffer event = { 0 };

	put_record_failed(&event, job);
	publish(monitor, &event);
}

void events_wshd_died(struct monitor *monitor)
{
	struct wire_buffer event = { 0 };

	put_wshd_died(&event, monitor);
	publish(monitor, &event);
}

void events_begin_watch(struct connection *connection)
{
	const struct monitor *monitor = connection->monitor;
	struct wire_buffer *out = &connection->out;
	struct error ignored;
	bool whole = true;

	connection->phase = CONNECTION_WATCHING;
	wire_begin(out, WIRE_OK);
	for (uint32_t i = 0; i < monitor->kept_count; i++) {
		whole &= wire_end(out, &ignored) == 0;
		put_event(out, &monitor->kept[i]);
	}
	for (const struct job *job = monitor->jobs; job != NULL; job = job->next) {
		if (job->forgotten || job->record_errno == 0)
			continue;
		whole &= wire_end(out, &ignored) == 0;
		put_record_failed(out, job);
	}
	if (monitor->dead) {
		whole &= wire_end(out, &ignored) == 0;
		put_wshd_died(out, monitor);
	}
	if (whole)
		connection_send(connection);
	else
		connection_close(connection);
}
