#include "monitor/handshake.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/deadline.h"
#include "lib/fault.h"
#include "lib/fd.h"
#include "monitor/child.h"

/* Small enough for the stack; READY, FAILED and ERROR are tiny. */
#define PACKET_SIZE 1024

int handshake_send_cgroups(int wshd, const int *tasks, size_t count, int64_t deadline, struct error *err)
{
	return packet_send(wshd, &(char){ CHILD_CGROUPS }, 1, tasks, count, deadline, err);
}

int handshake_send_ids_mapped(int wshd, int dev, int64_t deadline, struct error *err)
{
	return packet_send(wshd, &(char){ CHILD_IDS_MAPPED }, 1, &dev, 1, deadline, err);
}

int handshake_send_mounts(int wshd, int overlay, const int *volumes, size_t volume_count, int64_t deadline, struct error *err)
{
	int fds[1 + DESCRIPTION_MAX_MOUNTS] = { overlay };

	if (volume_count > 0)
		memcpy(fds + 1, volumes, volume_count * sizeof(int));
	return packet_send(wshd, &(char){ CHILD_MOUNTS }, 1, fds, 1 + volume_count, deadline, err);
}

int handshake_report_clone(int launcher, pid_t pid, int64_t deadline, struct error *err)
{
	struct wire_buffer buffer = { 0 };

	wire_begin(&buffer, WIRE_CLONED);
	wire_put_u32(&buffer, TAG_PID, (uint32_t)pid);
	int result = wire_end(&buffer, err);

	if (result == 0)
		result = stream_send(launcher, &buffer, NULL, 0, deadline, err);
	wire_buffer_free(&buffer);
	return result;
}

int handshake_configure(int wshd, const struct description *description, int64_t deadline, struct error *err)
{
	struct wire_buffer buffer = { 0 };

	wire_begin(&buffer, WIRE_CONFIGURE);
	wire_put_u64(&buffer, TAG_PRIVILEGED_CAPABILITIES, description->privileged_capabilities);
	if (description->nested)
		wire_put_u32(&buffer, TAG_NESTED, 1);
	for (size_t i = 0; !description->nested && i < description->volume_count; i++)
		if ((description->volumes[i].flags & MOUNT_FLAG_READ_ONLY) == 0) {
			wire_put_u32(&buffer, TAG_REFUSE_SET_ID, 1);
			break;
		}
#ifdef WARDEN_FAULTS
	if (description->fault_step != NULL) {
		size_t fault = wire_open(&buffer, TAG_FAULT);

		wire_put_string(&buffer, TAG_STEP, description->fault_step);
		wire_put_u32(&buffer, TAG_ERRNO, description->fault_number);
		wire_close(&buffer, fault);
	}
#endif
	int result = wire_end(&buffer, err);

	if (result == 0)
		result = packet_send(wshd, buffer.data + 4, buffer.size - 4, NULL, 0, deadline, err);
	wire_buffer_free(&buffer);
	return result;
}

/* The child's own error takes the place of ours. The step's name must outlive the packet. */
static int take_child_error(const uint8_t *body, size_t size, struct error *err)
{
	static char step[64];
	char detail[ERROR_DETAIL_SIZE] = "";
	uint32_t number = EPROTO;
	struct wire_reader reader;
	struct wire_attribute attribute;
	struct error ignored;

	wire_reader_init(&reader, body, size);
	while (wire_next(&reader, &attribute, &ignored) > 0) {
		if (attribute.tag == TAG_STEP)
			wire_string_into(&attribute, step, sizeof(step), &ignored);
		else if (attribute.tag == TAG_DETAIL)
			wire_string_into(&attribute, detail, sizeof(detail), &ignored);
		else if (attribute.tag == TAG_ERRNO)
			wire_u32(&attribute, &number, &ignored);
	}
	err->step = step;
	return error_set(err, (int)number, "%s", detail);
}

static int take_packet(int wshd, uint8_t packet[PACKET_SIZE], size_t *ret_size, struct error *err)
{
	size_t fd_count;

	if (packet_receive(wshd, packet, PACKET_SIZE, ret_size, NULL, 0, &fd_count, err) < 0)
		return -1;
	return *ret_size > 0 ? 0 : error_set(err, EPIPE, "PID 1 of the container ended");
}

/* What is no answer, but why there is none. */
static int refuse(const uint8_t *packet, size_t size, struct error *err)
{
	uint16_t type = size < 4 ? 0 : wire_load_u16(packet);

	return type == WIRE_ERROR || type == WIRE_FAILED ? take_child_error(packet + 4, size - 4, err) : error_set(err, EPROTO, "message %u from wshd", type);
}

int handshake_await_joined(int wshd, int64_t deadline, struct error *err)
{
	uint8_t packet[PACKET_SIZE];
	size_t size;

	if (fd_wait(wshd, POLLIN, deadline, err) < 0 || take_packet(wshd, packet, &size, err) < 0)
		return -1;
	return size == 1 && packet[0] == CHILD_JOINED ? 0 : refuse(packet, size, err);
}

/* 1: READY; 0: nothing there yet; -1: the child failed or is gone. */
static int read_child(const struct handshake *handshake, struct error *err)
{
	uint8_t packet[PACKET_SIZE];
	size_t size;

	if (take_packet(handshake->wshd, packet, &size, err) < 0)
		return err->number == EAGAIN ? 0 : -1;
	return size >= 4 && wire_load_u16(packet) == WIRE_READY ? 1 : refuse(packet, size, err);
}

void handshake_child_error(const struct handshake *handshake, struct error *err)
{
	struct pollfd poller = { .fd = handshake->wshd, .events = POLLIN };
	struct error theirs = *err;

	/* A child that failed may still be about to say so; when ours was the failure nothing comes. */
	if (err->number == EPIPE || err->number == ECONNRESET || err->number == ESRCH || err->number == ENOENT)
		poll(&poller, 1, 100);
	else
		poll(&poller, 1, 0);
	if (poller.revents & POLLIN && read_child(handshake, &theirs) < 0 && theirs.step != err->step)
		*err = theirs;
}

/* 1: the launcher's OK; 0: nothing yet; -1: it is gone, or speaks nonsense. */
static int read_launcher(const struct handshake *handshake, struct error *err)
{
	struct frame frame;
	int filled = stream_fill(handshake->input, handshake->launcher, err);

	if (filled < 0)
		return err->number == EAGAIN ? 0 : -1;
	int result = stream_next(handshake->input, &frame, err);

	if (result > 0)
		return frame.type == WIRE_OK ? 1 : error_set(err, EPROTO, "message %u from the launcher", frame.type);
	if (result == 0 && filled == 0)
		return error_set(err, EPIPE, "the launcher went away");
	return result;
}

static int wait_for(const struct handshake *handshake, bool ready, struct error *err)
{
	for (;;) {
		struct pollfd pollers[] = {
			{ .fd = handshake->wshd, .events = POLLIN },
			{ .fd = handshake->launcher, .events = POLLIN },
		};
		int count = poll(pollers, 2, deadline_remaining_ms(handshake->deadline)), result = 0;

		if (count < 0 && errno != EINTR)
			return error_set(err, errno, "poll");
		if (count == 0)
			return error_set(err, ETIMEDOUT, "the deadline of the create is over");
		if (pollers[0].revents != 0) {
			result = read_child(handshake, err);
			if (result > 0 && !ready)
				return error_set(err, EPROTO, "wshd is ready twice");
		}
		if (result == 0 && pollers[1].revents != 0) {
			result = read_launcher(handshake, err);
			if (result > 0 && ready)
				return error_set(err, EPROTO, "confirmation before its time");
		}
		if (result != 0)
			return result < 0 ? -1 : 0;
	}
}

int handshake_wait_ready(const struct handshake *handshake, struct error *err)
{
	return wait_for(handshake, true, err);
}

int handshake_wait_network(const struct handshake *handshake, struct error *err)
{
	struct wire_buffer buffer = { 0 };

	wire_begin(&buffer, WIRE_OK);
	int result = wire_end(&buffer, err);

	if (result == 0)
		result = stream_send(handshake->launcher, &buffer, NULL, 0, handshake->deadline, err);
	wire_buffer_free(&buffer);
	return result < 0 ? -1 : wait_for(handshake, false, err);
}
