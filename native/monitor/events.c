#include "monitor/events.h"

#include "monitor/connection.h"

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

void events_output_limit(struct monitor *monitor, const struct job *job)
{
	struct wire_buffer event = { 0 };

	wire_begin(&event, WIRE_EVENT);
	wire_put_u32(&event, TAG_EVENT, EVENT_OUTPUT_LIMIT);
	wire_put_u32(&event, TAG_JOB_ID, job->id);
	publish(monitor, &event);
}

void events_job_ended(struct monitor *monitor, const struct job *job)
{
	struct wire_buffer event = { 0 };

	wire_begin(&event, WIRE_EVENT);
	wire_put_u32(&event, TAG_EVENT, EVENT_JOB_ENDED);
	wire_put_u32(&event, TAG_JOB_ID, job->id);
	wire_put_u32(&event, TAG_EXIT_KIND, job->exit_kind);
	wire_put_u32(&event, TAG_EXIT_VALUE, job->exit_value);
	publish(monitor, &event);
}

void events_record_failed(struct monitor *monitor, const struct job *job, const struct error *problem)
{
	struct wire_buffer event = { 0 };

	wire_begin(&event, WIRE_EVENT);
	wire_put_u32(&event, TAG_EVENT, EVENT_RECORD_FAILED);
	wire_put_u32(&event, TAG_JOB_ID, job->id);
	wire_put_u32(&event, TAG_ERRNO, (uint32_t)problem->number);
	publish(monitor, &event);
}

void events_wshd_died(struct monitor *monitor, uint32_t status)
{
	struct wire_buffer event = { 0 };

	wire_begin(&event, WIRE_EVENT);
	wire_put_u32(&event, TAG_EVENT, EVENT_WSHD_DIED);
	wire_put_u32(&event, TAG_STATUS, status);
	publish(monitor, &event);
}

void events_rlimit_clamped(struct monitor *monitor, uint32_t job_id, uint32_t resource, uint64_t hard)
{
	struct wire_buffer event = { 0 };

	wire_begin(&event, WIRE_EVENT);
	wire_put_u32(&event, TAG_EVENT, EVENT_RLIMIT_CLAMPED);
	wire_put_u32(&event, TAG_JOB_ID, job_id);
	wire_put_u32(&event, TAG_RESOURCE, resource);
	wire_put_u64(&event, TAG_HARD, hard);
	publish(monitor, &event);
}
