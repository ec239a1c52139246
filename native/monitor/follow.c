#include "monitor/follow.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "monitor/connection.h"
#include "monitor/jobs.h"
#include "monitor/scratch.h"

#define OUTPUT_HEADER (WIRE_HEADER_SIZE + 12)
#define CHUNKS_A_TURN 8

bool follow_has_followers(const struct job *job)
{
	for (const struct connection *connection = job->monitor->connections; connection != NULL; connection = connection->next)
		if (connection->job == job)
			return true;
	return false;
}

bool follow_is_awaited(const struct job *job)
{
	for (const struct connection *connection = job->monitor->connections; connection != NULL; connection = connection->next)
		if (connection->job == job && connection->end == UINT64_MAX)
			return true;
	return false;
}

static void put_output_header(uint8_t *header, uint64_t position, uint32_t stream, size_t size)
{
	wire_store_u32(header, (uint32_t)(size + 12));
	wire_store_u32(header + 4, WIRE_OUTPUT);
	wire_store_u64(header + 8, position);
	wire_store_u32(header + 16, stream);
}

/* 1: all sent; 0: the rest waits in connection->out; -1: the connection is broken. */
static int send_output(struct connection *connection, uint64_t position, uint32_t stream, const uint8_t *data, size_t size)
{
	uint8_t header[OUTPUT_HEADER];
	struct iovec vectors[] = { { .iov_base = header, .iov_len = sizeof(header) }, { .iov_base = (void *)data, .iov_len = size } };
	struct msghdr message = { .msg_iov = vectors, .msg_iovlen = 2 };
	ssize_t count;

	put_output_header(header, position, stream, size);
	do
		count = sendmsg(connection->source.fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (count < 0 && errno == EINTR);
	if (count < 0 && errno != EAGAIN)
		return -1;
	size_t sent = count < 0 ? 0 : (size_t)count;

	connection->position = position + size;
	if (sent == sizeof(header) + size)
		return 1;
	if (sent < sizeof(header)) {
		wire_put_raw(&connection->out, header + sent, sizeof(header) - sent);
		sent = sizeof(header);
	}
	wire_put_raw(&connection->out, data + (sent - sizeof(header)), size - (sent - sizeof(header)));
	if (connection->out.failed)
		return -1;
	return 0;
}

static void send_exit(struct connection *connection)
{
	struct job *job = connection->job;

	bool forget = connection->forget && job->phase == JOB_OVER && job->total <= connection->forget_up_to;

	connection->job = NULL;
	forget &= connection_send_exit(connection, job, forget);
	job->forget |= forget;
	jobs_release(job);
}

void follow_feed(struct connection *connection)
{
	struct job *job = connection->job;
	struct error err;

	for (int turn = 0; turn < CHUNKS_A_TURN && connection->out.size == 0; turn++) {
		size_t size, room = sizeof(scratch);
		uint32_t stream;

		if (connection->position >= connection->end || (connection->position >= job->spool.size && job->phase == JOB_OVER)) {
			send_exit(connection);
			return;
		}
		if (connection->position >= job->spool.size)
			break;
		if (connection->end - connection->position < room)
			room = (size_t)(connection->end - connection->position);
		if (spool_read(&job->spool, connection->position, scratch, room, &size, &stream, &err) < 0 ||
		    send_output(connection, connection->position, stream, scratch, size) < 0) {
			connection_close(connection);
			return;
		}
	}
	/* With nothing in `out` but more to say, the next turn comes by EPOLLOUT, after the others'. */
	connection_update(connection, job->phase == JOB_OVER || connection->position < job->spool.size || connection->position >= connection->end);
}

int follow_begin(struct connection *connection, struct job *job, uint64_t position, bool no_wait, struct error *err)
{
	if (position > job->total)
		return error_set(err, EINVAL, "position %llu of %llu", (unsigned long long)position, (unsigned long long)job->total);
	wire_begin(&connection->out, WIRE_OK);
	connection->position = position;
	connection->end = no_wait ? job->total : UINT64_MAX;
	connection->phase = CONNECTION_FOLLOWING;
	if (!connection_send(connection))
		return 0;
	connection->job = job;
	if (connection->out.size == 0)
		follow_feed(connection);
	return 0;
}

void follow_output(struct job *job, uint64_t position, uint32_t stream, const uint8_t *data, size_t size)
{
	struct connection *next;

	if (size == 0)
		return;
	for (struct connection *connection = job->monitor->connections; connection != NULL; connection = next) {
		next = connection->next;
		/* One that is behind is fed from the spool when its socket has room, and one that does not wait gets no more than it asked for. */
		if (connection->job != job || connection->end != UINT64_MAX || connection->phase != CONNECTION_FOLLOWING || connection->out.size > 0 || connection->position != position)
			continue;
		if (send_output(connection, position, stream, data, size) < 0)
			connection_close(connection);
		else
			connection_update(connection, false);
	}
}

void follow_end(struct job *job)
{
	struct connection *next;

	for (struct connection *connection = job->monitor->connections; connection != NULL; connection = next) {
		next = connection->next;
		if (connection->job != job)
			continue;
		if (connection->phase == CONNECTION_IN_SHELL)
			send_exit(connection);
		else if (connection->phase == CONNECTION_FOLLOWING && connection->out.size == 0)
			follow_feed(connection);
	}
}
