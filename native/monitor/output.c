#include "monitor/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/deadline.h"
#include "lib/fd.h"
#include "monitor/follow.h"
#include "monitor/input.h"
#include "monitor/job-log.h"
#include "monitor/jobs.h"
#include "monitor/scratch.h"

#define IN_A_ROW (64u << 10)
#define PLAIN_SIZE (1u << 20)
#define EVENTS_A_TURN 256
#define REST_MS 10
/* A terminal holds less than this (64 KiB in the kernel's tty buffer, and a line discipline of 4 KiB). */
#define TERMINAL_MAX (256u << 10)

static struct job_pipe *other(struct job_pipe *pipe)
{
	return &pipe->job->pipes[pipe == &pipe->job->pipes[0]];
}

static void close_pipe(struct job_pipe *pipe)
{
	if (pipe->source.fd >= 0)
		epoll_ctl(pipe->job->monitor->output.fd, EPOLL_CTL_DEL, pipe->source.fd, NULL);
	pipe->source.fd = close_fd(pipe->source.fd);
	pipe->write_end = close_fd(pipe->write_end);
}

static bool is_dropped(const struct job *job)
{
	return (job->discard && job->log == NULL) || job->phase == JOB_OVER;
}

/*
 * By their edges, so that pipes are named in the order in which they were written to. A terminal is ready all the time while nobody in the container
 * has it open, and only the job's end tells whether somebody will again. Where nobody gets the bytes the order is no matter.
 */
static uint32_t events_of(const struct job_pipe *pipe)
{
	return pipe->plain && !pipe->terminal && is_dropped(pipe->job) ? EPOLLIN : EPOLLIN | EPOLLET;
}

/* What is ready goes to the tail of the queue. */
static void arm(struct job_pipe *pipe, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = &pipe->source };

	epoll_ctl(pipe->job->monitor->output.fd, EPOLL_CTL_MOD, pipe->source.fd, &event);
}

/* The job's own flags stay, O_NONBLOCK for one. */
static int end_packets(const struct job_pipe *pipe)
{
	int flags = fcntl(pipe->write_end, F_GETFL);

	return flags < 0 ? -1 : fcntl(pipe->write_end, F_SETFL, flags & ~O_DIRECT);
}

/* One that cannot grow stays as it is: slower, and in order. */
static void make_plain(struct job_pipe *pipe)
{
	if (fcntl(pipe->source.fd, F_SETPIPE_SZ, PLAIN_SIZE) < 0 || end_packets(pipe) < 0)
		return;
	pipe->plain = true;
	arm(pipe, events_of(pipe));
}

static void store(struct job_pipe *pipe, const uint8_t *data, size_t size)
{
	struct job *job = pipe->job;
	bool exceeded;
	struct error err;

	if (job->phase == JOB_OVER || job->over_limit)
		return;
	if (job->discard) {
		job_log_output(job, pipe->stream, data, size);
		return;
	}
	exceeded = size > job->output_limit - job->total;
	if (exceeded)
		size = (size_t)(job->output_limit - job->total);
	/* A full disk cuts the output off as the limit does: the job must not go on as if it had been kept. */
	if (spool_append(&job->spool, pipe->stream, data, size, &err) < 0) {
		job->over_limit = true;
		jobs_exceeded(job);
		return;
	}
	follow_output(job, job->total, pipe->stream, data, size);
	job_log_output(job, pipe->stream, data, size);
	job->total += size;
	if (pipe->stream == STREAM_STDERR)
		job->stderr_total += size;
	/* Changes of stream with every few bytes take more room than the bytes: they may take as much as the output may. */
	if (exceeded || spool_runs_size(&job->spool) > job->output_limit) {
		job->over_limit = true;
		jobs_exceeded(job);
	}
}

/* How many bytes are there. */
static size_t waiting_in(const struct job_pipe *pipe)
{
	int waiting = 0;

	return pipe->source.fd >= 0 && ioctl(pipe->source.fd, FIONREAD, &waiting) == 0 && waiting > 0 ? (size_t)waiting : 0;
}

/* wshd has made it with one slot, which is one page. */
static bool was_enlarged(const struct job_pipe *pipe)
{
	return pipe->source.fd >= 0 && fcntl(pipe->source.fd, F_GETPIPE_SZ) > sysconf(_SC_PAGESIZE);
}

/* Returns how many bytes were taken; 0: nothing there, or the end. */
static size_t take(struct job_pipe *pipe)
{
	ssize_t count;

	if (pipe->source.fd < 0)
		return 0;
	do
		count = read(pipe->source.fd, scratch, sizeof(scratch));
	while (count < 0 && errno == EINTR);
	if (count < 0 && (errno == EAGAIN || (errno == EIO && pipe->terminal)))
		return 0;
	if (count <= 0) {
		close_pipe(pipe);
		return 0;
	}
	store(pipe, scratch, (size_t)count);
	pipe->in_a_row += (size_t)count;
	other(pipe)->in_a_row = 0;
	if (!pipe->plain && pipe->in_a_row >= IN_A_ROW && pipe->write_end >= 0)
		make_plain(pipe);
	return (size_t)count;
}

/* What is there now; what is written meanwhile may never end. FIONREAD does not count all that a terminal holds. */
static void take_waiting(struct job_pipe *pipe)
{
	size_t waiting = pipe->terminal ? TERMINAL_MAX : waiting_in(pipe), count;

	for (size_t taken = 0; taken < waiting && (count = take(pipe)) > 0; taken += count)
		;
}

static void rest_later(struct monitor *monitor)
{
	if (monitor->output_rest.at == 0)
		monitor->output_rest.at = deadline_in_ms(REST_MS);
}

/*
 * Back to one packet at a time, because the other stream has got something or this one has been empty: so what follows is in order again. One that is
 * filled faster than it can be emptied stays plain.
 */
static void make_packets(struct job_pipe *pipe)
{
	int flags = pipe->write_end < 0 ? -1 : fcntl(pipe->write_end, F_GETFL);

	if (pipe->source.fd < 0 || flags < 0 || fcntl(pipe->write_end, F_SETFL, flags | O_DIRECT) < 0)
		return;
	for (int turn = 0; turn < 4 && pipe->source.fd >= 0; turn++) {
		if (fcntl(pipe->source.fd, F_SETPIPE_SZ, (int)sysconf(_SC_PAGESIZE)) >= 0) {
			pipe->plain = pipe->behind = false;
			pipe->in_a_row = 0;
			return;
		}
		take_waiting(pipe);
	}
	if (pipe->source.fd >= 0)
		end_packets(pipe);
}

/* Nobody gets what this pipe holds, and its writer may never end: it is emptied once in a while. */
static void drop(struct job_pipe *pipe)
{
	/* The end of the file. Of a terminal, which tells it at every look, the next edge. */
	if (!pipe->terminal && waiting_in(pipe) == 0) {
		take(pipe);
		return;
	}
	if (pipe->terminal && take(pipe) == 0)
		return;
	take_waiting(pipe);
	if (pipe->source.fd < 0)
		return;
	arm(pipe, 0);
	pipe->resting = true;
	rest_later(pipe->job->monitor);
}

static void end_rest(struct timer *timer)
{
	struct monitor *monitor = (struct monitor *)((char *)timer - offsetof(struct monitor, output_rest));

	for (struct job *job = monitor->jobs; job != NULL; job = job->next) {
		for (int i = 0; i < 2; i++) {
			struct job_pipe *pipe = &job->pipes[i];

			if (pipe->resting && pipe->source.fd >= 0)
				arm(pipe, events_of(pipe));
			pipe->resting = false;
			if (pipe->plain && !pipe->terminal && !is_dropped(job) && waiting_in(pipe) == 0)
				make_packets(pipe);
		}
	}
}

static void ready(struct job_pipe *pipe)
{
	struct job_pipe *fast = other(pipe);

	if (is_dropped(pipe->job)) {
		drop(pipe);
		return;
	}
	/* What a plain pipe had more than could be read at once was written before this; what it got since then has its own event. */
	if (!pipe->plain && fast->plain && fast->behind)
		take_waiting(fast);
	/* One packet only: a second one would be newer than what the other pipe has pending. */
	size_t taken = take(pipe);

	if (pipe->terminal) {
		if (taken > 0)
			arm(pipe, events_of(pipe));
		return;
	}
	if (!pipe->plain && fast->plain)
		make_packets(fast);
	/*
	 * A plain pipe, and that of a job which has made it larger, may hold more under one event. Any other does not, and must not be armed: pipe_write
	 * shows the bytes before it wakes the reader, so that they might be taken first, and its event then stand before what the job wrote meanwhile.
	 */
	pipe->behind = (pipe->plain || was_enlarged(pipe)) && waiting_in(pipe) > 0;
	if (pipe->behind)
		arm(pipe, events_of(pipe));
	else if (pipe->plain)
		rest_later(pipe->job->monitor);
}

/* Returns how many events there were. */
static int take_events(struct monitor *monitor, int limit)
{
	struct epoll_event event;
	int count = 0;

	while (count < limit && epoll_wait(monitor->output.fd, &event, 1, 0) > 0) {
		struct source *source = event.data.ptr;
		struct job_pipe *pipe = (struct job_pipe *)((char *)source - offsetof(struct job_pipe, source));
		struct job *job = pipe->job;

		ready(pipe);
		if (job->forgotten)
			jobs_release(job);
		count++;
	}
	return count;
}

static void on_output(struct source *source, uint32_t events)
{
	(void)events;
	take_events((struct monitor *)((char *)source - offsetof(struct monitor, output)), EVENTS_A_TURN);
}

int output_init(struct monitor *monitor, struct error *err)
{
	monitor->output_rest.expired = end_rest;
	loop_add_timer(&monitor->loop, &monitor->output_rest);
	monitor->output = (struct source){ .fd = epoll_create1(EPOLL_CLOEXEC), .ready = on_output };
	if (monitor->output.fd < 0)
		return error_set(err, errno, "epoll");
	return loop_add(&monitor->loop, &monitor->output, EPOLLIN, err);
}

static int attach_terminal(struct job *job, int *master, struct error *err)
{
	struct job_pipe *pipe = &job->pipes[0];
	struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.ptr = &pipe->source };
	int input = fcntl(*master, F_DUPFD_CLOEXEC, 0);

	if (input < 0)
		return error_set(err, errno, "terminal");
	pipe->terminal = pipe->plain = true;
	pipe->source.fd = steal_fd(master);
	/* The two are one open file: neither blocks then. */
	if (input_attach(job, input, err) < 0)
		return -1;
	if (epoll_ctl(job->monitor->output.fd, EPOLL_CTL_ADD, pipe->source.fd, &event) < 0)
		return error_set(err, errno, "epoll_ctl");
	return 0;
}

int output_attach(struct job *job, int *fds, struct error *err)
{
	if (job->terminal)
		return attach_terminal(job, &fds[0], err);
	for (int i = 0; i < 2; i++) {
		job->pipes[i].source.fd = steal_fd(&fds[i]);
		job->pipes[i].write_end = steal_fd(&fds[i + 2]);
	}
	for (int i = 0; i < 2; i++) {
		struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.ptr = &job->pipes[i].source };

		if (fd_set_nonblocking(job->pipes[i].source.fd, true, err) < 0)
			return -1;
		if (epoll_ctl(job->monitor->output.fd, EPOLL_CTL_ADD, job->pipes[i].source.fd, &event) < 0)
			return error_set(err, errno, "epoll_ctl");
		if (is_dropped(job))
			make_plain(&job->pipes[i]);
	}
	return 0;
}

void output_drain(struct job *job)
{
	/* In order first; other jobs' events, which come along, are served as well. */
	for (int turn = 0; turn < 16 && take_events(job->monitor, EVENTS_A_TURN) == EVENTS_A_TURN; turn++)
		;
	/* At most what they hold now: a background process may write for ever. */
	for (int i = 0; i < 2; i++)
		take_waiting(&job->pipes[i]);
}

void output_end(struct job *job)
{
	for (int i = 0; i < 2; i++) {
		struct job_pipe *pipe = &job->pipes[i];

		if (pipe->source.fd >= 0 && pipe->write_end >= 0)
			end_packets(pipe);
		pipe->write_end = close_fd(pipe->write_end);
		if (pipe->terminal) {
			/* It hangs up: what is left in its session gets SIGHUP, and errors when it writes. */
			close_pipe(pipe);
			continue;
		}
		/* Mostly nobody else writes, and this is the end of the file. */
		take(pipe);
		if (pipe->source.fd < 0)
			continue;
		/* The order matters no more, but there should be room for what is written between two turns. One that cannot grow stays small. */
		fcntl(pipe->source.fd, F_SETPIPE_SZ, PLAIN_SIZE);
		arm(pipe, EPOLLIN);
	}
}

bool output_is_open(const struct job *job)
{
	return job->pipes[0].source.fd >= 0 || job->pipes[1].source.fd >= 0;
}

void output_detach(struct job *job)
{
	for (int i = 0; i < 2; i++)
		close_pipe(&job->pipes[i]);
}
