#include "launcher/requests.h"

#include <errno.h>
#include <sys/epoll.h>

#include "lib/fault.h"
#include "lib/fd.h"
#include "launcher/copies.h"
#include "launcher/create.h"
#include "launcher/datagram.h"
#include "launcher/discard.h"
#include "launcher/disk.h"
#include "launcher/link-requests.h"
#include "launcher/listening.h"
#include "launcher/port-requests.h"
#include "launcher/quota.h"
#include "launcher/shape-requests.h"
#include "launcher/steps.h"
#include "launcher/watch-requests.h"

/* With this much unread nothing more is taken on. */
enum { OUTPUT_LIMIT = 256 << 10 };

static void end(struct launcher *launcher, const struct error *problem)
{
	launcher->ended = true;
	launcher->failure = *problem;
}

static size_t pending(const struct launcher *launcher)
{
	return launcher->output.size - launcher->output_position;
}

static void flush(struct launcher *launcher)
{
	struct error err = { .step = STEP_ANSWER };
	int result = stream_flush(launcher->wardend.fd, &launcher->output, &launcher->output_position, &err);

	if (result < 0)
		end(launcher, &err);
	else
		watch_change(launcher, &launcher->wardend, result > 0 ? EPOLLIN : pending(launcher) < OUTPUT_LIMIT ? EPOLLIN | EPOLLOUT : EPOLLOUT);
}

/* An answer that there is no memory for cannot be left out either: wardend would wait for ever. */
void answer_send(struct launcher *launcher)
{
	struct error err = { .step = STEP_ANSWER };

	if (wire_end(&launcher->output, &err) < 0)
		end(launcher, &err);
	else
		flush(launcher);
}

void answer_begin(struct launcher *launcher, uint32_t request)
{
	wire_begin(&launcher->output, WIRE_OK);
	wire_put_u32(&launcher->output, TAG_REQUEST, request);
}

void answer_ok(struct launcher *launcher, uint32_t request)
{
	answer_begin(launcher, request);
	answer_send(launcher);
}

void answer_error(struct launcher *launcher, uint32_t request, const struct error *problem)
{
	wire_begin_error(&launcher->output, problem);
	wire_put_u32(&launcher->output, TAG_REQUEST, request);
	answer_send(launcher);
}

/* A step of its own: that there is no such table is said by the other. */
static int find_listener(struct launcher *launcher, const struct port_order *order, bool *ret_found, struct error *err)
{
	const char *step = err->step;

	err->step = STEP_FIND_LISTENER;
	if (port_order_check(order, err) < 0 || listening_find(launcher->host.sock_diag, (uint8_t)order->protocol, (uint16_t)order->port, ret_found, err) < 0)
		return -1;
	err->step = step;
	return 0;
}

static void change_firewall(struct launcher *launcher, uint32_t request, const struct frame *frame)
{
	struct error err = { .step = STEP_CHANGE_ELEMENTS };
	struct firewall_change change = { 0 };
	struct port_order port = { 0 };
	bool listening = false;

	if (wire_read_all(frame->body, frame->size, port_order_attribute, &port, &err) < 0 || (port.port != 0 && find_listener(launcher, &port, &listening, &err) < 0) ||
	    firewall_change_read(frame->body, frame->size, &change, &err) < 0 || (!listening && firewall_apply(launcher->host.nfnetlink, &change, &err) < 0)) {
		answer_error(launcher, request, &err);
	} else {
		answer_begin(launcher, request);
		if (port.port != 0)
			wire_put_u32(&launcher->output, TAG_LISTENING, listening);
		answer_send(launcher);
	}
	firewall_change_free(&change);
}

static void abandon(struct launcher *launcher, uint32_t request, const struct frame *frame)
{
	struct error err = { .step = STEP_ABANDONED };
	struct wire_reader reader;
	struct wire_attribute attribute;
	char id[DESCRIPTION_ID_SIZE] = "";
	uint32_t copy = 0;
	int result;

	wire_reader_init(&reader, frame->body, frame->size);
	while ((result = wire_next(&reader, &attribute, &err)) > 0)
		if ((attribute.tag == TAG_ID && wire_string_into(&attribute, id, sizeof(id), &err) < 0) || (attribute.tag == TAG_COPY && wire_u32(&attribute, &copy, &err) < 0))
			break;
	if (result != 0) {
		answer_error(launcher, request, &err);
	} else if (copy != 0) {
		copy_abandon(launcher, copy);
		answer_ok(launcher, request);
	} else {
		create_abandon(launcher, request, id);
	}
}

static int serve_request(struct launcher *launcher, const struct frame *frame, struct error *err)
{
	uint32_t request;

	if (description_read_request(frame->body, frame->size, &request, err) < 0)
		return -1;
	switch (frame->type) {
	case WIRE_CREATE:
		create_begin(launcher, request, frame->body, frame->size);
		return 0;
	case WIRE_FIREWALL:
		change_firewall(launcher, request, frame);
		return 0;
	case WIRE_COPY:
		copy_begin(launcher, request, frame->body, frame->size);
		return 0;
	case WIRE_DISCARD:
		discard_begin(launcher, request, frame->body, frame->size);
		return 0;
	case WIRE_QUOTA:
		quota_serve(launcher, request, frame->body, frame->size);
		return 0;
	case WIRE_DISK_PREPARE:
	case WIRE_DISK_MAKE:
	case WIRE_DISK:
		disk_serve(launcher, request, frame);
		return 0;
	case WIRE_ABANDON:
		abandon(launcher, request, frame);
		return 0;
	case WIRE_SHAPE:
		shape_begin(launcher, request, frame->body, frame->size);
		return 0;
	case WIRE_READ_SHAPE:
		shape_read_begin(launcher, request, frame->body, frame->size);
		return 0;
	case WIRE_UNSHAPE:
		unshape_begin(launcher, request, frame->body, frame->size);
		return 0;
	case WIRE_REMOVE_LINK:
		remove_link_begin(launcher, request, frame->body, frame->size);
		return 0;
	case WIRE_READ_LINK:
		read_link_serve(launcher, request, frame->body, frame->size);
		return 0;
	case WIRE_DATAGRAM:
		datagram_serve(launcher, request, frame->body, frame->size);
		return 0;
	case WIRE_WATCH_FIREWALL:
		watch_firewall_begin(launcher, request, frame->body, frame->size);
		return 0;
	case WIRE_LISTENING:
		listening_serve(launcher, request, frame->body, frame->size);
		return 0;
	case WIRE_FORGET_CONNECTIONS:
		forget_connections_begin(launcher, request, frame->body, frame->size);
		return 0;
	default:
		return error_set(err, EBADMSG, "message %u", frame->type);
	}
}

/* Stops early when answers pile up: what is left stays in the buffer until they are taken. */
static void serve_requests(struct launcher *launcher)
{
	struct frame frame;
	struct error err = { .step = STEP_READ_REQUEST };
	int result = 0;

	while (!launcher->ended && pending(launcher) < OUTPUT_LIMIT && (result = stream_next(&launcher->input, &frame, &err)) > 0) {
		result = serve_request(launcher, &frame, &err);
		if (result < 0)
			break;
	}
	if (result < 0)
		end(launcher, &err);
}

static void on_wardend(struct launcher *launcher, struct watch *watch, uint32_t events)
{
	struct error err = { .step = STEP_READ_REQUEST };

	if (events & EPOLLOUT)
		flush(launcher);
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && pending(launcher) < OUTPUT_LIMIT) {
		int filled = stream_fill(&launcher->input, watch->fd, &err);

		if (filled == 0)
			launcher->ended = true;
		else if (filled < 0 && err.number != EAGAIN)
			end(launcher, &err);
	}
	serve_requests(launcher);
}

int requests_start(struct launcher *launcher, int fd, struct error *err)
{
	launcher->wardend = (struct watch){ .fd = fd, .ready = on_wardend };
	if (watch_add(launcher, &launcher->wardend, EPOLLIN, err) < 0)
		return -1;
	serve_requests(launcher);
	return 0;
}
