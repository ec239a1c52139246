#include "monitor/wshd-channel.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>

#include "lib/deadline.h"
#include "lib/fd.h"
#include "lib/syscalls.h"
#include "monitor/empty.h"
#include "monitor/events.h"
#include "monitor/jobs.h"
#include "monitor/naming.h"

#define PACKET_SIZE 8192
#define MAX_FDS 5

struct message {
	uint32_t job_id;
	uint32_t status;
	uint32_t pid;
	uint32_t last;
	uint32_t request;
	struct error problem;   /* of FAILED */
	char step[64];
};

static int read_message(const uint8_t *body, size_t size, struct message *ret_message, struct error *err)
{
	struct wire_reader reader;
	struct wire_attribute attribute;
	uint32_t number;
	int result;

	*ret_message = (struct message){ .problem.number = EIO };
	wire_reader_init(&reader, body, size);
	while ((result = wire_next(&reader, &attribute, err)) > 0) {
		if (attribute.tag == TAG_JOB_ID)
			result = wire_u32(&attribute, &ret_message->job_id, err);
		else if (attribute.tag == TAG_STATUS)
			result = wire_u32(&attribute, &ret_message->status, err);
		else if (attribute.tag == TAG_LAST)
			result = wire_u32(&attribute, &ret_message->last, err);
		else if (attribute.tag == TAG_PID)
			result = wire_u32(&attribute, &ret_message->pid, err);
		else if (attribute.tag == TAG_REQUEST)
			result = wire_u32(&attribute, &ret_message->request, err);
		else if (attribute.tag == TAG_STEP)
			result = wire_string_into(&attribute, ret_message->step, sizeof(ret_message->step), err);
		else if (attribute.tag == TAG_DETAIL)
			result = wire_string_into(&attribute, ret_message->problem.detail, sizeof(ret_message->problem.detail), err);
		else if (attribute.tag == TAG_ERRNO) {
			result = wire_u32(&attribute, &number, err);
			ret_message->problem.number = (int)number;
		}
		if (result < 0)
			return -1;
	}
	ret_message->problem.step = ret_message->step;
	return result;
}

/* RUNNING carries the limits that are lower than what was asked for. */
static void publish_clamps(struct monitor *monitor, uint32_t job_id, const uint8_t *body, size_t size)
{
	struct wire_reader reader, parts;
	struct wire_attribute attribute, part;
	struct error ignored;

	wire_reader_init(&reader, body, size);
	while (wire_next(&reader, &attribute, &ignored) > 0) {
		uint32_t resource = 0;
		uint64_t hard = 0;

		if (attribute.tag != TAG_RLIMIT)
			continue;
		wire_reader_enter(&parts, &attribute);
		while (wire_next(&parts, &part, &ignored) > 0) {
			if (part.tag == TAG_RESOURCE)
				wire_u32(&part, &resource, &ignored);
			else if (part.tag == TAG_HARD)
				wire_u64(&part, &hard, &ignored);
		}
		events_rlimit_clamped(monitor, job_id, resource, hard);
	}
}

static void on_running(struct monitor *monitor, struct job *job, uint32_t pid, const uint8_t *body, size_t size, int *fds, size_t fd_count)
{
	monitor->empty = false;
	jobs_answered(monitor);
	if (job != NULL && job->phase == JOB_STARTING) {
		publish_clamps(monitor, job->id, body, size);
		jobs_running(job, pid, fds, fd_count);
	}
	jobs_send_pending(monitor);
}

static void on_failed(struct monitor *monitor, struct job *job, const struct error *problem)
{
	jobs_answered(monitor);
	if (job != NULL && job->phase == JOB_STARTING)
		jobs_failed(job, problem);
	jobs_send_pending(monitor);
	empty_check(monitor);
}

static void on_exited(struct job *job, uint32_t status, bool last)
{
	if (job == NULL || job->phase != JOB_STARTED)
		return;
	if (WIFEXITED(status))
		jobs_end(job, EXIT_EXITED, (uint32_t)WEXITSTATUS(status), last);
	else
		jobs_end(job, EXIT_SIGNALLED, (uint32_t)WTERMSIG(status), last);
}

static void on_empty(struct monitor *monitor)
{
	monitor->empty = true;
	jobs_remove_groups(monitor);
	empty_check(monitor);
}

/* 1: a packet was taken; 0: none there; -1: the other end is closed, or speaks nonsense. */
static int take_packet(struct monitor *monitor)
{
	uint8_t packet[PACKET_SIZE];
	int fds[MAX_FDS] = { -1, -1, -1, -1, -1 };
	size_t size, fd_count;
	struct message message;
	struct error err;

	if (packet_receive(monitor->wshd.fd, packet, sizeof(packet), &size, fds, MAX_FDS, &fd_count, &err) < 0)
		return err.number == EAGAIN ? 0 : -1;
	if (size < 4 || read_message(packet + 4, size - 4, &message, &err) < 0)
		return -1;
	struct job *job = jobs_find(monitor, message.job_id);

	switch (wire_load_u16(packet)) {
	case WIRE_RUNNING:
		on_running(monitor, job, message.pid, packet + 4, size - 4, fds, fd_count);
		break;
	case WIRE_FAILED:
		on_failed(monitor, job, &message.problem);
		break;
	case WIRE_EXITED:
		on_exited(job, message.status, message.last != 0);
		if (message.last)
			on_empty(monitor);
		break;
	case WIRE_EMPTY:
		on_empty(monitor);
		break;
	case WIRE_RENAMED:
		naming_answered(monitor, message.request, message.status, message.problem.detail);
		break;
	}
	for (int i = 0; i < MAX_FDS; i++)
		close_fd(fds[i]);
	return 1;
}

void wshd_channel_drain(struct monitor *monitor)
{
	while (monitor->wshd.fd >= 0 && take_packet(monitor) > 0)
		;
}

int wshd_channel_send(struct monitor *monitor, const struct wire_buffer *frame, const int *fds, size_t fd_count, struct error *err)
{
	/* A packet is a frame without its length. Without waiting: a deadline that is over when it begins. */
	if (packet_send(monitor->wshd.fd, frame->data + 4, frame->size - 4, fds, fd_count, clock_now_ms(), err) == 0)
		return 1;
	if (err->number != ETIMEDOUT)
		return -1;
	monitor->wshd_full = true;
	loop_modify(&monitor->loop, &monitor->wshd, EPOLLIN | EPOLLOUT);
	return 0;
}

static void send_signals(struct monitor *monitor)
{
	for (uint32_t signal = 1; signal <= 64 && !monitor->wshd_full; signal++) {
		struct wire_buffer packet = { 0 };
		struct error err;
		int result;

		if (!(monitor->signals >> (signal - 1) & 1))
			continue;
		wire_begin(&packet, WIRE_SIGNAL);
		wire_put_u32(&packet, TAG_SIGNAL, signal);
		result = wire_end(&packet, &err);
		if (result == 0)
			result = wshd_channel_send(monitor, &packet, NULL, 0, &err);
		wire_buffer_free(&packet);
		/* One that cannot be sent at all has lost its wshd, and that is told by other means. */
		if (result != 0)
			monitor->signals &= ~(1ull << (signal - 1));
	}
}

static void on_ready(struct source *source, uint32_t events)
{
	struct monitor *monitor = (struct monitor *)((char *)source - offsetof(struct monitor, wshd));

	if (events & EPOLLOUT && monitor->wshd_full) {
		monitor->wshd_full = false;
		loop_modify(&monitor->loop, source, EPOLLIN);
		send_signals(monitor);
		jobs_send_pending(monitor);
	}
	if (take_packet(monitor) >= 0)
		return;
	/* wshd is dying, or not wshd any more. Nobody can serve the container: its end is told by the pidfd. */
	loop_remove(&monitor->loop, source);
	source->fd = close_fd(source->fd);
	sys_pidfd_send_signal(monitor->pidfd.fd, SIGKILL);
}

int wshd_channel_init(struct monitor *monitor, struct error *err)
{
	monitor->wshd = (struct source){ .fd = monitor->container.wshd, .ready = on_ready };
	monitor->empty = true;
	if (fd_set_nonblocking(monitor->wshd.fd, true, err) < 0)
		return -1;
	return loop_add(&monitor->loop, &monitor->wshd, EPOLLIN, err);
}

int wshd_channel_signal_job(struct monitor *monitor, const struct job *job, uint32_t signal, struct error *err)
{
	struct wire_buffer packet = { 0 };
	int result = -1;

	if (monitor->dead || monitor->wshd.fd < 0)
		return error_set(err, ESRCH, "PID 1 of the container is dead");
	wire_begin(&packet, WIRE_SIGNAL);
	wire_put_u32(&packet, TAG_SIGNAL, signal);
	wire_put_u32(&packet, TAG_JOB_ID, job->id);
	if (wire_end(&packet, err) == 0)
		result = wshd_channel_send(monitor, &packet, NULL, 0, err);
	wire_buffer_free(&packet);
	return result != 0 ? result : error_set(err, EAGAIN, "PID 1 of the container is busy");
}

int wshd_channel_signal_all(struct monitor *monitor, uint32_t signal, struct error *err)
{
	if (signal == 0 || signal > 64)
		return error_set(err, EINVAL, "signal %u", signal);
	if (monitor->dead || monitor->wshd.fd < 0)
		return 0;
	monitor->signals |= 1ull << (signal - 1);
	send_signals(monitor);
	return 0;
}
