/*
 * wshd: PID 1 of a container.
 *
 * Theory of operation. The monitor's cloned child has made the container's mounts and executes wshd from a sealed memfd, with
 * descriptor 3 one end of a SOCK_SEQPACKET pair whose other end the monitor holds, descriptor 4 the compiled system call filter, and
 * 0, 1, 2 on /dev/null. wshd reduces its rights, loads the filter (which every job inherits), says READY, and then
 *   - starts jobs as the monitor asks (RUN): job.c, with the descriptors of job-streams.c and the identity of job-identity.c,
 *   - reaps every orphan of the container, reports the jobs among them (EXITED), and says EMPTY when no process is left,
 *   - signals every process but itself, or a job's process group (SIGNAL),
 *   - takes another container's name, when it was made in advance (RENAME).
 * It trusts the monitor and nobody else; there is no socket that a process of the container could connect to. When the monitor is gone
 * nobody can serve the container: wshd exits, and the kernel kills the rest of the PID namespace.
 *
 * One thread, one loop over two descriptors: the channel and a signalfd for SIGCHLD. It never waits for a job.
 */
#include "wsh/wshd.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/codec.h"
#include "lib/deadline.h"
#include "lib/descendants.h"
#include "lib/fd.h"
#include "lib/stream.h"
#include "wsh/job-user.h"
#include "wsh/job.h"
#include "wsh/naming.h"
#include "wsh/reaper.h"
#include "wsh/setup.h"

/* Arguments and environment of one job; the socket's buffer bounds it too. */
enum { PACKET_MAX = 192 << 10, PACKET_HEADER_SIZE = 4, RUN_FDS = 2, REAP_A_TURN = 256, PLAIN_KILL_MS = 1000, KEPT_PACKET = 4096 };

/* The packet that is being built. Its memory stays: asked for and given back each time it was a part of what a job's start and end take. */
static struct wire_buffer outgoing;

/* A packet is a frame without its length: {u16 type, u16 zero, attributes}. */
static int send_packet(const int *fds, size_t fd_count, struct error *err)
{
	int result = wire_end(&outgoing, err);

	if (result == 0)
		result = packet_send(WSHD_CHANNEL, outgoing.data + WIRE_HEADER_SIZE - PACKET_HEADER_SIZE,
				     outgoing.size - (WIRE_HEADER_SIZE - PACKET_HEADER_SIZE), fds, fd_count,
				     deadline_in_ms(WSHD_SEND_TIMEOUT_MS), err);
	if (outgoing.failed || outgoing.capacity > KEPT_PACKET)
		wire_buffer_free(&outgoing);
	outgoing.size = 0;
	return result;
}

static int send_simple(uint16_t type, struct error *err)
{
	wire_begin(&outgoing, type);
	return send_packet(NULL, 0, err);
}

static int send_failed(uint32_t job_id, const struct error *problem, struct error *err)
{
	wire_begin(&outgoing, WIRE_FAILED);
	wire_put_u32(&outgoing, TAG_JOB_ID, job_id);
	wire_put_string(&outgoing, TAG_STEP, problem->step);
	wire_put_u32(&outgoing, TAG_ERRNO, (uint32_t)problem->number);
	wire_put_string(&outgoing, TAG_DETAIL, problem->detail);
	return send_packet(NULL, 0, err);
}

static int send_running(uint32_t job_id, pid_t pid, const struct job_streams *streams, const struct job_clamps *clamps, struct error *err)
{
	wire_begin(&outgoing, WIRE_RUNNING);
	wire_put_u32(&outgoing, TAG_JOB_ID, job_id);
	wire_put_u32(&outgoing, TAG_PID, (uint32_t)pid);
	for (size_t i = 0; i < clamps->count; i++) {
		size_t opened = wire_open(&outgoing, TAG_RLIMIT);

		wire_put_u32(&outgoing, TAG_RESOURCE, clamps->limits[i].resource);
		wire_put_u64(&outgoing, TAG_SOFT, clamps->limits[i].soft);
		wire_put_u64(&outgoing, TAG_HARD, clamps->limits[i].hard);
		wire_close(&outgoing, opened);
	}
	return send_packet(streams->passed, streams->passed_count, err);
}

/* Standard input comes first unless the job gets a terminal or a pipe, then the cgroup. All descriptors are used or closed. */
static int run(const struct wshd *wshd, const struct run_request *request, int *fds, size_t fd_count, struct error *err)
{
	size_t next = 0;
	int input = !request->terminal && !request->open_input && next < fd_count ? steal_fd(&fds[next++]) : -1;
	_cleanup_close_ int cgroup = request->has_cgroup && next < fd_count ? steal_fd(&fds[next++]) : -1;
	struct error problem = { .step = "read RUN" };
	struct job_streams streams;
	struct job_clamps clamps;
	pid_t pid;

	if (job_streams_open(wshd, request, input, &streams, &problem) < 0)
		return send_failed(request->job_id, &problem, err);

	int result;
	if (reaper_reserve(&problem) < 0 || job_start(wshd, request, &streams, cgroup, &pid, &clamps, &problem) < 0) {
		result = send_failed(request->job_id, &problem, err);
	} else {
		reaper_add(pid, request->job_id);
		/* Before anybody hears of the job: when it closes its input, nobody else has that. */
		streams.input = close_fd(streams.input);
		result = send_running(request->job_id, pid, &streams, &clamps, err);
	}
	job_streams_close(&streams);
	return result;
}

/* kill(-1) would reach every process of our user. For KILL until nobody is left, so that nobody forks away. */
static int signal_below(uint32_t number, pid_t leader, struct error *err)
{
	int count = number == SIGKILL ? descendants_kill_session(getpid(), leader, deadline_in_ms(PLAIN_KILL_MS), err)
				      : descendants_signal_session(getpid(), leader, (int)number, err);

	return count < 0 ? -1 : 0;
}

/* Every process, or the job's process group: its first process leads a session, so it cannot have left that. */
static int send_signal(const struct wshd *wshd, uint32_t number, bool has_job_id, uint32_t job_id, struct error *err)
{
	pid_t leader = has_job_id ? reaper_find(job_id) : 1;

	if (number == 0 || number > 64)
		return error_set(err, EINVAL, "signal %u", number);
	if (wshd->plain)
		return has_job_id && leader == 0 ? 0 : signal_below(number, has_job_id ? leader : 0, err);
	/* From PID 1, -1 reaches every process of the namespace but PID 1. A job that is not known any more has just ended. */
	if (leader != 0 && kill(-leader, (int)number) < 0 && errno != ESRCH)
		return error_set(err, errno, "kill");
	return 0;
}

static int serve_signal(const struct wshd *wshd, const void *body, size_t size, struct error *err)
{
	struct wire_reader reader;
	struct wire_attribute attribute;
	uint32_t number = 0, job_id = 0;
	bool has_job_id = false;
	int more;

	wire_reader_init(&reader, body, size);
	while ((more = wire_next(&reader, &attribute, err)) > 0) {
		has_job_id |= attribute.tag == TAG_JOB_ID;
		if ((attribute.tag == TAG_SIGNAL && wire_u32(&attribute, &number, err) < 0) || (attribute.tag == TAG_JOB_ID && wire_u32(&attribute, &job_id, err) < 0))
			return -1;
	}
	return more < 0 ? -1 : send_signal(wshd, number, has_job_id, job_id, err);
}

static int serve_run(const struct wshd *wshd, const uint8_t *body, size_t size, int *fds, size_t fd_count, const struct error *received, struct error *err)
{
	struct run_request request;
	struct error problem = { .step = "read RUN" };
	int result;

	if (run_request_read(body, size, &request, &problem) < 0)
		return send_failed(request.job_id, received->number != 0 ? received : &problem, err);
	if (received->number != 0)
		result = send_failed(request.job_id, received, err);
	else if (request.user_name != NULL && job_user_find(wshd, &request, &problem) < 0)
		result = send_failed(request.job_id, &problem, err);
	else
		result = run(wshd, &request, fds, fd_count, err);
	run_request_free(&request);
	return result;
}

static int serve_rename(const void *body, size_t size, struct error *err)
{
	struct error problem = { .number = EIO };
	uint32_t request;
	int result = naming_serve(body, size, &request, &problem);

	wire_begin(&outgoing, WIRE_RENAMED);
	wire_put_u32(&outgoing, TAG_REQUEST, request);
	wire_put_u32(&outgoing, TAG_STATUS, result == 0 ? 0 : (uint32_t)problem.number);
	if (result < 0)
		wire_put_string(&outgoing, TAG_DETAIL, problem.detail);
	return send_packet(NULL, 0, err);
}

/* 1: served; 0: the monitor is gone. What cannot be served is answered: PID 1 does not end by a packet. */
static int serve(const struct wshd *wshd, struct error *err)
{
	static uint8_t packet[PACKET_MAX];
	size_t size, fd_count;
	int fds[RUN_FDS] = { -1, -1 };
	int result = 0;
	struct error received = { .step = "receive a request" };

	if (packet_receive(WSHD_CHANNEL, packet, sizeof(packet), &size, fds, RUN_FDS, &fd_count, &received) < 0 && received.number != EMSGSIZE) {
		*err = received;
		return err->number == EAGAIN ? 1 : -1;
	}
	if (size == 0)
		return 0;
	if (size >= PACKET_HEADER_SIZE && wire_load_u16(packet) == WIRE_RUN) {
		result = serve_run(wshd, packet + PACKET_HEADER_SIZE, size - PACKET_HEADER_SIZE, fds, fd_count, &received, err);
	} else if (size >= PACKET_HEADER_SIZE && wire_load_u16(packet) == WIRE_SIGNAL) {
		if (serve_signal(wshd, packet + PACKET_HEADER_SIZE, size - PACKET_HEADER_SIZE, &received) < 0)
			result = send_failed(0, &received, err);
	} else if (size >= PACKET_HEADER_SIZE && received.number == 0 && wire_load_u16(packet) == WIRE_RENAME) {
		result = serve_rename(packet + PACKET_HEADER_SIZE, size - PACKET_HEADER_SIZE, err);
	} else {
		if (received.number == 0)
			error_set(&received, EBADMSG, "packet of %zu bytes that is no request", size);
		result = send_failed(0, &received, err);
	}
	for (int i = 0; i < RUN_FDS; i++)
		close_fd(fds[i]);
	return result < 0 ? -1 : 1;
}

static int send_exited(uint32_t job_id, int status, bool last, struct error *err)
{
	wire_begin(&outgoing, WIRE_EXITED);
	wire_put_u32(&outgoing, TAG_JOB_ID, job_id);
	wire_put_u32(&outgoing, TAG_STATUS, (uint32_t)status);
	if (last)
		wire_put_u32(&outgoing, TAG_LAST, 1);
	return send_packet(NULL, 0, err);
}

/* 1: there may be more; 0: all that were dead are reaped. However fast processes die, requests get their turn. */
static int reap(struct error *err)
{
	static bool reaped;   /* since the last word about it */
	struct error end = { .step = "reap" };
	uint32_t job_id = 0, next_job_id;
	int status = 0, next_status, result = 0;
	bool exited = false;  /* a job, and it has not been told */

	/* A job's end is told when it is known whether another child is left: the last word is one packet and not two, which wakes the monitor once. */
	for (int count = 0; count < REAP_A_TURN && (result = reaper_collect(&next_job_id, &next_status, &end)) >= 0; count++) {
		reaped = true;
		if (result == 0)
			continue;
		if (exited && send_exited(job_id, status, false, err) < 0)
			return -1;
		exited = true;
		job_id = next_job_id;
		status = next_status;
	}
	bool empty = result < 0 && reaped && end.number == ECHILD;

	if (exited && send_exited(job_id, status, empty, err) < 0)
		return -1;
	if (result >= 0)
		return 1;
	reaped = false;
	return empty && !exited ? send_simple(WIRE_EMPTY, err) : 0;
}

static int loop(const struct wshd *wshd, int signals, struct error *err)
{
	struct pollfd watched[] = { { .fd = WSHD_CHANNEL, .events = POLLIN }, { .fd = signals, .events = POLLIN } };

	int dead = 0;

	for (;;) {
		/* Without end: PID 1 lives until the monitor closes the channel or kills it. */
		if (poll(watched, 2, dead > 0 ? 0 : -1) < 0 && errno != EINTR)
			return error_set(err, errno, "poll");
		if (dead > 0 || watched[1].revents != 0) {
			struct signalfd_siginfo info;

			/* It holds one SIGCHLD at most, and a new one comes only after this. */
			if (read(signals, &info, sizeof(info)) < 0 && errno != EAGAIN)
				return error_set(err, errno, "read of signals");
			dead = reap(err);
			if (dead < 0)
				return -1;
			if (dead == 0)
				job_streams_prepare();
		}
		if (watched[0].revents != 0) {
			int result = serve(wshd, err);

			if (result <= 0)
				return result;
		}
	}
}

int main(int argc, char **argv)
{
	struct wshd wshd = { 0 };
	struct error err = { .step = "start wshd" }, ignored = { .step = "report" };
	sigset_t all, child;

	(void)argc;
	naming_begin(argv);
	sigfillset(&all);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	if (sigprocmask(SIG_SETMASK, &all, NULL) < 0)
		return 1;
	int signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0 || fd_set_cloexec(WSHD_CHANNEL, true, &err) < 0 || fd_set_cloexec(WSHD_FILTER, true, &err) < 0)
		return 1;
	if (setup_run(&wshd, &err) < 0) {
		send_failed(0, &err, &ignored);
		return 1;
	}
	if (fd_set_nonblocking(WSHD_CHANNEL, true, &err) < 0 || send_simple(WIRE_READY, &err) < 0)
		return 1;
	int result = loop(&wshd, signals, &err);

	/* No PID namespace ends with us. */
	if (wshd.plain)
		descendants_kill(getpid(), deadline_in_ms(PLAIN_KILL_MS), &ignored);
	return result < 0 ? 1 : 0;
}
