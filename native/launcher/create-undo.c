/* Taking back a create that failed, and the end of every create. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "lib/deadline.h"
#include "lib/fd.h"
#include "lib/syscalls.h"
#include "launcher/create.h"

enum { UNDO_TIMEOUT_MS = 5000, KILL_TIMEOUT_MS = 5000 };

static void on_link_event(struct launcher *launcher, struct watch *watch, uint32_t events)
{
	(void)events;
	if (link_was_deleted(watch->fd))
		create_link_deleted(launcher);
}

int create_watch_links(struct launcher *launcher, struct error *err)
{
	if (launcher->link_deletions.fd >= 0)
		return 0;
	int fd = link_subscribe(err);

	if (fd < 0)
		return -1;
	launcher->link_deletions = (struct watch){ .fd = fd, .ready = on_link_event };
	if (watch_add(launcher, &launcher->link_deletions, EPOLLIN, err) < 0) {
		launcher->link_deletions.fd = close_fd(fd);
		return -1;
	}
	return 0;
}

static void append(struct error *err, const char *text)
{
	size_t used = strlen(err->detail);

	snprintf(err->detail + used, sizeof(err->detail) - used, "%s%s", used > 0 ? "; " : "", text);
}

static void undo_elements(struct launcher *launcher, struct create *create)
{
	struct error err = { 0 };

	if (!create->elements_added)
		return;
	create->elements_added = false;
	if (firewall_undo(launcher->host.nfnetlink, create->description.elements, create->description.element_count, &err) < 0)
		append(&create->failure, "its firewall elements could not be deleted");
}

void create_release(struct launcher *launcher, struct create *create)
{
	struct create **link = &launcher->creates;
	bool links_awaited = false;

	while (*link != create)
		link = &(*link)->next;
	*link = create->next;
	launcher->create_count--;
	watch_close(launcher, &create->socket);
	close_fd(create->network);
	close_fd(create->container);
	stream_input_free(&create->input);
	description_free(&create->description);
	wire_buffer_free(&create->message);
	free(create);
	for (create = launcher->creates; create != NULL; create = create->next)
		links_awaited |= create->awaits_name || (create->failing && create->link_made);
	if (!links_awaited)
		watch_close(launcher, &launcher->link_deletions);
}

static void answer_failure(struct launcher *launcher, struct create *create)
{
	answer_error(launcher, create->description.request, &create->failure);
	if (create->is_abandoned)
		answer_ok(launcher, create->abandon_request);
	create_release(launcher, create);
}

/* The first failure counts; what follows from it is not told. */
void create_fail(struct launcher *launcher, struct create *create, const struct error *problem)
{
	if (create->failing)
		return;
	create->failing = true;
	create->awaits_name = false;
	if (problem->step != create->failure_step)
		snprintf(create->failure_step, sizeof(create->failure_step), "%s", problem->step != NULL ? problem->step : "");
	create->failure = *problem;
	create->failure.step = create->failure_step;
	/* The end of its stream tells the monitor to undo everything and to exit; the namespace goes with its last descriptor. */
	watch_close(launcher, &create->socket);
	create->network = close_fd(create->network);
	undo_elements(launcher, create);
	create->deadline = deadline_in_ms(UNDO_TIMEOUT_MS);
	create_settle(launcher, create);
}

/* Answers once nothing is left. The kernel takes interfaces away some milliseconds after their namespace. */
void create_settle(struct launcher *launcher, struct create *create)
{
	struct error err = { 0 };

	if (create->monitor != 0)
		return;
	if (create->link_made && create_watch_links(launcher, &err) == 0 && create_link_exists(create, &launcher->host))
		return;
	answer_failure(launcher, create);
}

void create_undo_expired(struct launcher *launcher, struct create *create)
{
	if (create->monitor != 0 && !create->killed) {
		create->killed = true;
		create->deadline = deadline_in_ms(KILL_TIMEOUT_MS);
		append(&create->failure, "its monitor did not undo its part in time and was killed");
		kill(create->monitor, SIGKILL);
		if (create->container >= 0)
			sys_pidfd_send_signal(create->container, SIGKILL);
		return;
	}
	append(&create->failure, create->monitor != 0 ? "its monitor does not end" : "its link does not disappear");
	answer_failure(launcher, create);
}

void create_drop_all(struct launcher *launcher)
{
	while (launcher->creates != NULL) {
		undo_elements(launcher, launcher->creates);
		create_release(launcher, launcher->creates);
	}
}
