#include "monitor/connection.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/deadline.h"
#include "lib/fd.h"
#include "monitor/exit-record.h"
#include "monitor/follow.h"
#include "monitor/input.h"
#include "monitor/jobs.h"
#include "monitor/requests.h"

/* A watcher that does not read is cut off at this. */
#define MAX_QUEUE (1u << 20)

static void watch(struct connection *connection, uint32_t events)
{
	if (events == connection->watched)
		return;
	connection->watched = events;
	loop_modify(&connection->monitor->loop, &connection->source, events);
}

void connection_update(struct connection *connection, bool more)
{
	uint32_t events = EPOLLRDHUP | (connection->watched & EPOLLIN);

	/* While a request is under way the next one is not read; mostly there is none, and so it is watched for until it is there. */
	if (connection->phase == CONNECTION_IDLE)
		events |= EPOLLIN;
	/* A request that came along with the last one is served when there is room for its answer. */
	if (more || connection->out.size > 0 || (connection->phase == CONNECTION_IDLE && stream_has_frame(&connection->input)))
		events |= EPOLLOUT;
	watch(connection, events);
}

/* All but its socket, which is returned. */
static int release(struct connection *connection)
{
	struct monitor *monitor = connection->monitor;
	struct connection **link = &monitor->connections;
	struct job *job = connection->job;
	int fd = connection->source.fd;

	input_abandon(connection);
	while (*link != connection)
		link = &(*link)->next;
	*link = connection->next;
	monitor->connection_count--;
	loop_remove(&monitor->loop, &connection->source);
	stream_input_free(&connection->input);
	wire_buffer_free(&connection->out);
	free(connection);
	if (job != NULL)
		jobs_release(job);
	return fd;
}

void connection_close(struct connection *connection)
{
	close_fd(release(connection));
}

bool connection_is_quiet(const struct connection *connection)
{
	return connection->out.size == 0 && connection->input.start == connection->input.end;
}

int connection_detach(struct connection *connection)
{
	return release(connection);
}

/* 1: all is out; 0: the socket is full; -1: broken. A large buffer goes back when it is empty. */
static int flush(struct connection *connection)
{
	struct error err;
	int result = stream_flush(connection->source.fd, &connection->out, &connection->out_position, &err);

	if (result > 0 && connection->out.capacity > 4096)
		wire_buffer_free(&connection->out);
	return result;
}

bool connection_send(struct connection *connection)
{
	struct error err;

	if (wire_end(&connection->out, &err) < 0 || connection->out.size - connection->out_position > MAX_QUEUE || flush(connection) < 0) {
		connection_close(connection);
		return false;
	}
	connection_update(connection, false);
	return true;
}

void connection_reply_ok(struct connection *connection)
{
	connection->phase = CONNECTION_IDLE;
	wire_begin(&connection->out, WIRE_OK);
	connection_send(connection);
}

void connection_reply_error(struct connection *connection, const struct error *problem)
{
	connection->phase = CONNECTION_IDLE;
	wire_begin_error(&connection->out, problem);
	connection_send(connection);
}

void connection_begin_reply(struct connection *connection)
{
	wire_begin(&connection->out, WIRE_OK);
	connection_send(connection);
}

void connection_reply_terminal(struct connection *connection, int master)
{
	struct error err;

	connection->phase = CONNECTION_IN_SHELL;
	wire_begin(&connection->out, WIRE_OK);
	/* Eight bytes into a socket whose queue is empty: no waiting. */
	if (wire_end(&connection->out, &err) < 0 || stream_send(connection->source.fd, &connection->out, &master, 1, clock_now_ms(), &err) < 0) {
		connection_close(connection);
		return;
	}
	connection->out.size = 0;
	connection_update(connection, false);
}

bool connection_send_exit(struct connection *connection, const struct job *job, bool forgotten)
{
	bool following = connection->phase == CONNECTION_FOLLOWING;

	connection->phase = CONNECTION_IDLE;
	wire_begin(&connection->out, WIRE_EXIT);
	/* A follower that does not wait may have less than all. */
	if (job->phase == JOB_OVER && (connection->end == UINT64_MAX || connection->position >= job->total))
		exit_record_put(&connection->out, job);
	if (forgotten)
		wire_put_u32(&connection->out, TAG_FORGOTTEN, 1);
	if (job->phase == JOB_OVER && job->total > connection->output_up_to) {
		wire_put_u64(&connection->out, TAG_STDOUT_BYTES, job->total - job->stderr_total);
		wire_put_u64(&connection->out, TAG_STDERR_BYTES, job->stderr_total);
	}
	if (following)
		usage_put(&connection->monitor->container.usage, &connection->monitor->container.cgroups, &connection->out);
	return connection_send(connection);
}

/* False: malformed. One request at a time: what follows it waits in the buffer. */
static bool serve_next(struct connection *connection)
{
	struct error err;
	struct frame frame;
	int result = stream_next(&connection->input, &frame, &err);

	if (result > 0)
		requests_serve(connection, &frame);
	return result >= 0;
}

/* False: the other end is closed, or malformed. */
static bool read_requests(struct connection *connection)
{
	struct error err;
	int filled = stream_fill(&connection->input, connection->source.fd, &err);

	if (filled == 0 || (filled < 0 && err.number != EAGAIN))
		return false;
	return serve_next(connection);
}

static void on_ready(struct source *source, uint32_t events)
{
	struct connection *connection = (struct connection *)((char *)source - offsetof(struct connection, source));

	if (events & EPOLLOUT) {
		int result = flush(connection);

		if (result < 0) {
			connection_close(connection);
			return;
		}
		if (result > 0 && connection->phase == CONNECTION_FOLLOWING) {
			follow_feed(connection);
			return;
		}
		if (result > 0 && connection->phase == CONNECTION_IDLE && stream_has_frame(&connection->input)) {
			if (!serve_next(connection))
				connection_close(connection);
			return;
		}
		connection_update(connection, false);
	}
	if (events & EPOLLIN && connection->phase == CONNECTION_IDLE) {
		if (!read_requests(connection))
			connection_close(connection);
		return;
	}
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		connection_close(connection);
	else if (events & EPOLLIN)
		watch(connection, connection->watched & ~(uint32_t)EPOLLIN);
}

int connection_open(struct monitor *monitor, int fd, struct error *err)
{
	struct connection *connection = calloc(1, sizeof(*connection));

	if (connection == NULL)
		return error_set(err, ENOMEM, "connection");
	connection->monitor = monitor;
	connection->source = (struct source){ .fd = fd, .ready = on_ready };
	connection->watched = EPOLLIN | EPOLLRDHUP;
	if (loop_add(&monitor->loop, &connection->source, connection->watched, err) < 0) {
		free(connection);
		return -1;
	}
	connection->next = monitor->connections;
	monitor->connections = connection;
	monitor->connection_count++;
	return 0;
}
