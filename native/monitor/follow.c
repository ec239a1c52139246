#include "monitor/follow.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "monitor/connection.h"
#include "monitor/jobs.h"
#include "monitor/scratch.h"

#define OUTPUT_HEADER (WIRE_HEADER_SIZE + 12)
/* Of 256 KiB at most. */
#define PIECES_A_TURN 8
/* Of the other stream, on the way to a piece. */
#define RUNS_A_PIECE 256
#define COPY_UP_TO (16u << 10)
/* The kernel doubles it, for what it adds to the bytes. */
#define SEND_BUFFER (384 << 10)

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

/* Whoever does not keep up gets more at a time; most followers never fill the kernel's usual buffer. */
static void widen(struct connection *connection)
{
	int size = SEND_BUFFER;

	if (connection->widened)
		return;
	connection->widened = true;
	if (setsockopt(connection->source.fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(connection->source.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

/* The rest of a frame, out of the spool. 1: all sent; 0: the socket is full; -1: the connection is broken. */
static int send_rest(struct connection *connection)
{
	while (connection->frame_left > 0) {
		ssize_t count = spool_send(&connection->job->spool, connection->position, connection->frame_left, connection->source.fd);

		if (count < 0)
			return errno == EAGAIN ? 0 : -1;
		connection->position += (size_t)count;
		connection->frame_left -= (size_t)count;
	}
	return 1;
}

/* A frame, of which `data` holds the first bytes; the others are in the spool, as these are. The answer is that of send_rest(). */
static int send_output(struct connection *connection, uint32_t stream, size_t frame_size, const uint8_t *data, size_t size)
{
	uint8_t header[OUTPUT_HEADER];
	struct iovec vectors[] = { { .iov_base = header, .iov_len = sizeof(header) }, { .iov_base = (void *)data, .iov_len = size } };
	struct msghdr message = { .msg_iov = vectors, .msg_iovlen = 2 };
	ssize_t count;

	put_output_header(header, connection->position, stream, frame_size);
	do
		count = sendmsg(connection->source.fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (count < 0 && errno == EINTR);
	if (count < 0 && errno != EAGAIN)
		return -1;
	if (count < (ssize_t)(sizeof(header) + size))
		widen(connection);
	/* Nothing of it was said: it may be cut in another way the next time. */
	if (count < 0)
		return 0;
	if ((size_t)count < sizeof(header)) {
		wire_put_raw(&connection->out, header + count, sizeof(header) - (size_t)count);
		connection->frame_left = frame_size;
		return connection->out.failed ? -1 : 0;
	}
	connection->position += (size_t)count - sizeof(header);
	connection->frame_left = frame_size - ((size_t)count - sizeof(header));
	return send_rest(connection);
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

/* From the spool; the answer is that of send_rest(). */
static int send_next(struct connection *connection)
{
	struct spool *spool = &connection->job->spool;
	uint64_t run_end;
	uint32_t stream;
	struct error err;

	for (int passed_over = 0;; passed_over++) {
		if (spool_find(spool, connection->position, &stream, &run_end, &err) < 0)
			return -1;
		if (run_end > connection->end)
			run_end = connection->end;
		if (connection->only_stream == 0 || stream == connection->only_stream)
			break;
		connection->position = run_end;
		if (run_end >= spool->size || run_end >= connection->end || passed_over == RUNS_A_PIECE)
			return 1;
	}
	uint64_t left = run_end - connection->position;

	size_t size = left < WIRE_OUTPUT_CHUNK ? (size_t)left : WIRE_OUTPUT_CHUNK, copied = 0;

	/* Two system calls are more than the copying of a little. */
	if (size <= COPY_UP_TO) {
		if (spool_copy(spool, connection->position, scratch, size, &err) < 0)
			return -1;
		copied = size;
	}
	return send_output(connection, stream, size, scratch, copied);
}

static bool has_all(const struct connection *connection)
{
	const struct job *job = connection->job;

	return connection->position >= connection->end || (connection->position >= job->spool.size && job->phase == JOB_OVER);
}

void follow_feed(struct connection *connection)
{
	struct job *job = connection->job;
	int result = send_rest(connection);

	for (int turn = 0; turn < PIECES_A_TURN && result > 0; turn++) {
		if (connection->position >= connection->output_up_to)
			connection->position = job->spool.size < connection->end ? job->spool.size : connection->end;
		if (has_all(connection)) {
			send_exit(connection);
			return;
		}
		if (connection->position >= job->spool.size)
			break;
		result = send_next(connection);
	}
	if (result < 0) {
		connection_close(connection);
		return;
	}
	/* With nothing in `out` but more to say, the next turn comes by EPOLLOUT, after the others'. */
	connection_update(connection, job->phase == JOB_OVER || connection->position < job->spool.size || connection->position >= connection->end);
}

int follow_begin(struct connection *connection, struct job *job, const struct parameters *parameters, struct error *err)
{
	if (parameters->position > job->total)
		return error_set(err, EINVAL, "position %llu of %llu", (unsigned long long)parameters->position, (unsigned long long)job->total);
	wire_begin(&connection->out, WIRE_OK);
	connection->position = parameters->position;
	connection->end = parameters->no_wait != 0 ? job->total : UINT64_MAX;
	connection->output_up_to = parameters->output_up_to;
	connection->only_stream = parameters->only_stream;
	connection->phase = CONNECTION_FOLLOWING;
	if (!connection_send(connection))
		return 0;
	connection->job = job;
	if (connection->out.size == 0)
		follow_feed(connection);
	return 0;
}

/* Whether it is to be told the bytes at that position now. One that is behind is fed from the spool when its socket has room, and one that does not wait gets no more than it asked for. */
static bool is_waiting_at(const struct connection *connection, const struct job *job, uint64_t position)
{
	return connection->job == job && connection->end == UINT64_MAX && connection->phase == CONNECTION_FOLLOWING && connection->out.size == 0 &&
	       connection->frame_left == 0 && connection->position == position;
}

void follow_output(struct job *job, uint64_t position, uint32_t stream, const uint8_t *data, size_t size)
{
	struct connection *next;

	if (size == 0)
		return;
	for (struct connection *connection = job->monitor->connections; connection != NULL; connection = next) {
		next = connection->next;
		if (!is_waiting_at(connection, job, position))
			continue;
		if (position >= connection->output_up_to || (connection->only_stream != 0 && stream != connection->only_stream)) {
			connection->position += size;
			continue;
		}
		int result = send_output(connection, stream, size, data, size);

		if (result < 0)
			connection_close(connection);
		else
			connection_update(connection, result == 0);
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
