#include "launcher/create.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "lib/deadline.h"
#include "lib/fault.h"
#include "lib/fd.h"
#include "launcher/sources.h"
#include "launcher/spare.h"
#include "launcher/spawn.h"
#include "launcher/steps.h"

/* The monitor has the same deadline and knows better what took so long, so it is given the time to say so. */
enum { SOCKET_DEFAULT_ROOM = 64 << 10, MONITOR_SLACK_MS = 500 };

/* Which step is to fail is a matter of each description, and creates take turns. */
static void enter(const struct create *create)
{
#ifdef WARDEN_FAULTS
	const struct fault *fault = &create->description.fault;

	fault_set(fault->step, create->failing ? 0 : (int)fault->number);
#else
	(void)create;
#endif
}

static void leave(void)
{
#ifdef WARDEN_FAULTS
	fault_set("", 0);
#endif
}

static void on_socket(struct launcher *launcher, struct watch *watch, uint32_t events);

static struct create *find(const struct launcher *launcher, const char *id)
{
	struct create *create = launcher->creates;

	while (create != NULL && strcmp(create->description.id, id) != 0)
		create = create->next;
	return create;
}

/* The whole frame at once: a monitor that does not read must not hold up the others, so the socket is made large enough. */
static int send_description(struct create *create, const struct sources *sources, struct error *err)
{
	if (step_begin(STEP_SEND_DESCRIPTION, err) < 0)
		return -1;
	if (create->message.size > SOCKET_DEFAULT_ROOM) {
		int room = (int)create->message.size * 2;

		if (setsockopt(create->socket.fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) < 0)
			return error_set(err, errno, "socket to the monitor");
	}
	return stream_send(create->socket.fd, &create->message, sources->fds, sources->count, clock_now_ms(), err);
}

/* Returns whether the spare monitor has got the description. One that somebody has killed is no reason to fail. */
static bool use_spare(struct launcher *launcher, struct create *create, const struct sources *sources)
{
	struct error problem;

	if (!spare_take(launcher, &create->monitor, &create->socket.fd))
		return false;
	if (send_description(create, sources, &problem) == 0)
		return true;
	create->socket.fd = close_fd(create->socket.fd);
	create->monitor = 0;
	return false;
}

static int start_monitor(struct launcher *launcher, struct create *create, struct error *err)
{
	struct sources sources;
	int result = sources_open(&sources, &launcher->host, &create->description, err);

	if (result == 0 && (result = step_begin(STEP_START_MONITOR, err)) == 0 && !use_spare(launcher, create, &sources)) {
		result = spawn_monitor(launcher->host.monitor, launcher->host.namespaces.minimal_mounts, &create->monitor, &create->socket.fd, err);
		if (result == 0)
			result = send_description(create, &sources, err);
	}
	sources_close(&sources);
	return result;
}

/* Elements need only names, so they are added while the monitor makes the namespaces. */
static int begin(struct launcher *launcher, struct create *create, struct error *err)
{
	const struct firewall_change change = { .elements = create->description.elements, .element_count = create->description.element_count };

	if (start_monitor(launcher, create, err) < 0)
		return -1;
	if (watch_add(launcher, &create->socket, EPOLLIN, err) < 0 || step_begin(STEP_ADD_ELEMENTS, err) < 0 ||
	    firewall_apply(launcher->host.nfnetlink, &change, err) < 0)
		return -1;
	create->elements_added = true;
	return step_begin(STEP_AWAIT_MONITOR, err);
}

/* A description of its own, out of the frame buffer, which the next frame overwrites. */
static int read_description(struct launcher *launcher, struct create *create, const void *body, size_t size, struct error *err)
{
	if (launcher->create_count >= CREATE_MAX_UNDER_WAY)
		return error_set(err, EAGAIN, "%d creates are under way", CREATE_MAX_UNDER_WAY);
	if (size > DESCRIPTION_MAX_SIZE)
		return error_set(err, EMSGSIZE, "description of %zu bytes, at most %d", size, DESCRIPTION_MAX_SIZE);
	wire_begin(&create->message, WIRE_CREATE);
	wire_put_raw(&create->message, body, size);
	if (wire_end(&create->message, err) < 0 ||
	    description_read(&create->description, create->message.data + WIRE_HEADER_SIZE, size, err) < 0)
		return -1;
	enter(create);
	if (step_begin(STEP_CHECK_DESCRIPTION, err) < 0)
		return -1;
	return find(launcher, create->description.id) == NULL ? 0 : error_set(err, EEXIST, "%s", create->description.id);
}

void create_begin(struct launcher *launcher, uint32_t request, const void *body, size_t size)
{
	struct error err = { .step = STEP_CHECK_DESCRIPTION };
	struct create *create = calloc(1, sizeof(*create));

	if (create == NULL) {
		error_set(&err, ENOMEM, "create");
		answer_error(launcher, request, &err);
		return;
	}
	create->socket = (struct watch){ .fd = -1, .ready = on_socket };
	create->network = create->container = -1;
	if (read_description(launcher, create, body, size, &err) < 0) {
		answer_error(launcher, request, &err);
		leave();
		description_free(&create->description);
		wire_buffer_free(&create->message);
		free(create);
		return;
	}
	create->deadline = deadline_in_ms(create->description.deadline_ms + MONITOR_SLACK_MS);
	create->next = launcher->creates;
	launcher->creates = create;
	launcher->create_count++;
	if (begin(launcher, create, &err) < 0)
		create_fail(launcher, create, &err);
	leave();
}

static int confirm(struct launcher *launcher, struct create *create, struct error *err)
{
	struct wire_buffer message = { 0 };

	if (step_begin(STEP_CONFIRM, err) < 0)
		return -1;
	wire_begin(&message, WIRE_OK);
	int result = wire_end(&message, err);

	if (result == 0)
		result = stream_send(create->socket.fd, &message, NULL, 0, clock_now_ms(), err);
	wire_buffer_free(&message);
	if (result < 0)
		return -1;
	answer_begin(launcher, create->description.request);
	wire_put_u32(&launcher->output, TAG_PID, (uint32_t)create->monitor);
	if (create->link_index != 0)
		wire_put_u32(&launcher->output, TAG_LINK_INDEX, (uint32_t)create->link_index);
	answer_send(launcher);
	create_release(launcher, create);
	return 0;
}

/* After every step of either side. Frees the create when it is finished. */
static int advance(struct launcher *launcher, struct create *create, struct error *err)
{
	if (create->network >= 0 && !create->network_done) {
		int result = create_connect(create, &launcher->host, err);

		if (result == 0 && !create->awaits_name) {
			/* Subscribed before it is tried again: a deletion between the two tries is seen. */
			create->awaits_name = true;
			if (create_watch_links(launcher, err) < 0)
				return -1;
			result = create_connect(create, &launcher->host, err);
		}
		if (result < 0)
			return -1;
		if (result == 0)
			return 0;
		create->awaits_name = false;
		create->network_done = true;
	}
	return create->network_done && create->monitor_ready ? confirm(launcher, create, err) : 0;
}

static int read_cloned(struct create *create, const struct host *host, const struct frame *frame, struct error *err)
{
	struct wire_reader reader;
	struct wire_attribute attribute;
	uint32_t pid = 0;
	int result;

	err->step = STEP_AWAIT_MONITOR;
	wire_reader_init(&reader, frame->body, frame->size);
	while ((result = wire_next(&reader, &attribute, err)) > 0)
		if (attribute.tag == TAG_PID && wire_u32(&attribute, &pid, err) < 0)
			return -1;
	if (result < 0)
		return -1;
	if (pid == 0 || pid > INT32_MAX || create->container >= 0)
		return error_set(err, EBADMSG, "process id from the monitor");
	return create_open_network(create, host, (pid_t)pid, err);
}

/* The monitor's own error becomes the create's. Always returns -1. */
static int read_error(struct create *create, const struct frame *frame, struct error *err)
{
	struct wire_reader reader;
	struct wire_attribute attribute;
	uint32_t number = EPROTO;

	snprintf(create->failure_step, sizeof(create->failure_step), "%s", STEP_AWAIT_MONITOR);
	err->step = create->failure_step;
	error_set(err, EPROTO, "%s", "");
	wire_reader_init(&reader, frame->body, frame->size);
	while (wire_next(&reader, &attribute, err) > 0) {
		if (attribute.tag == TAG_STEP)
			wire_string_into(&attribute, create->failure_step, sizeof(create->failure_step), err);
		else if (attribute.tag == TAG_ERRNO)
			wire_u32(&attribute, &number, err);
		else if (attribute.tag == TAG_DETAIL)
			wire_string_into(&attribute, err->detail, sizeof(err->detail), err);
	}
	err->number = (int)number;
	return -1;
}

static int take_frame(struct create *create, const struct host *host, const struct frame *frame, struct error *err)
{
	switch (frame->type) {
	case WIRE_CLONED:
		return read_cloned(create, host, frame, err);
	case WIRE_OK:
		create->monitor_ready = true;
		return 0;
	case WIRE_ERROR:
		return read_error(create, frame, err);
	default:
		err->step = STEP_AWAIT_MONITOR;
		return error_set(err, EBADMSG, "message %u from the monitor", frame->type);
	}
}

/* 0: all that is there has been taken. The end of the stream is no error here: the monitor's exit status will say more. */
static int take_frames(struct launcher *launcher, struct create *create, struct error *err)
{
	struct frame frame;

	for (;;) {
		err->step = STEP_AWAIT_MONITOR;
		int filled = stream_fill(&create->input, create->socket.fd, err), result;

		if (filled < 0)
			return err->number == EAGAIN ? 0 : -1;
		while ((result = stream_next(&create->input, &frame, err)) > 0)
			if (take_frame(create, &launcher->host, &frame, err) < 0)
				return -1;
		if (result < 0)
			return -1;
		if (filled == 0) {
			watch_close(launcher, &create->socket);
			return 0;
		}
	}
}

static void on_socket(struct launcher *launcher, struct watch *watch, uint32_t events)
{
	struct create *create = (struct create *)((char *)watch - offsetof(struct create, socket));
	struct error err = { 0 };

	(void)events;
	enter(create);
	if (take_frames(launcher, create, &err) < 0 || (create->socket.fd >= 0 && advance(launcher, create, &err) < 0))
		create_fail(launcher, create, &err);
	leave();
}

void create_abandon(struct launcher *launcher, uint32_t request, const char *id)
{
	struct create *create = find(launcher, id);
	struct error err = { .step = STEP_ABANDONED };

	if (create == NULL) {
		answer_ok(launcher, request);
		return;
	}
	if (create->is_abandoned) {
		error_set(&err, EALREADY, "%s", id);
		answer_error(launcher, request, &err);
		return;
	}
	create->is_abandoned = true;
	create->abandon_request = request;
	error_set(&err, ECANCELED, "%s", id);
	create_fail(launcher, create, &err);
}

void create_child_ended(struct launcher *launcher, pid_t pid, int status)
{
	struct create *create = launcher->creates;
	struct error err = { .step = STEP_AWAIT_MONITOR };

	while (create != NULL && create->monitor != pid)
		create = create->next;
	if (create == NULL)
		return;   /* the monitor of a container that is finished */
	if (create->failing) {
		create->monitor = 0;
		create_settle(launcher, create);
		return;
	}
	enter(create);
	/* What it said last counts for more than how it ended. */
	int result = create->socket.fd < 0 ? 0 : take_frames(launcher, create, &err);

	leave();
	create->monitor = 0;
	if (result == 0)
		error_set(&err, ECHILD, WIFSIGNALED(status) ? "monitor was killed by signal %d" : "monitor exited with status %d",
			WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	create_fail(launcher, create, &err);
}

void create_link_deleted(struct launcher *launcher)
{
	struct create *next;

	for (struct create *create = launcher->creates; create != NULL; create = next) {
		struct error err = { 0 };

		next = create->next;
		enter(create);
		if (create->failing)
			create_settle(launcher, create);
		else if (create->awaits_name && advance(launcher, create, &err) < 0)
			create_fail(launcher, create, &err);
		leave();
	}
}

int create_next_deadline_ms(const struct launcher *launcher)
{
	int64_t next = INT64_MAX;

	for (const struct create *create = launcher->creates; create != NULL; create = create->next)
		if (create->deadline < next)
			next = create->deadline;
	return next == INT64_MAX ? -1 : deadline_remaining_ms(next);
}

void create_expire(struct launcher *launcher)
{
	struct create *next;
	int64_t now = clock_now_ms();

	for (struct create *create = launcher->creates; create != NULL; create = next) {
		struct error err = { .step = STEP_AWAIT_MONITOR };

		next = create->next;
		if (create->deadline > now)
			continue;
		if (create->failing) {
			create_undo_expired(launcher, create);
			continue;
		}
		error_set(&err, ETIMEDOUT, "not ready within %u ms, and no word from the monitor", create->description.deadline_ms);
		if (create->awaits_name) {
			err.step = STEP_CREATE_LINK;
			error_set(&err, EEXIST, "interface %s exists, and did not disappear within %u ms", create->description.link.host_name,
				create->description.deadline_ms);
		}
		create_fail(launcher, create, &err);
	}
}
