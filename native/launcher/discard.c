#include "launcher/discard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "lib/fault.h"
#include "lib/fd.h"
#include "lib/remove.h"
#include "launcher/description.h"
#include "launcher/disk.h"
#include "launcher/steps.h"

enum { NAME_SIZE = 256, NICE = 10, CHILD_DIRECTORY = 3, CHILD_REPORT = 4 };

struct discard {
	struct discard *next;
	pid_t pid;
	uint32_t request;
	int report;   /* from the child: a struct error when it fails */
};

struct order {
	char path[PATH_MAX];
	struct wire_strings names;
};

static bool is_entry_name(const char *name)
{
	return name[0] != '\0' && strchr(name, '/') == NULL && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static int read_order(const void *body, size_t size, struct order *ret_order, struct error *err)
{
	struct wire_reader reader;
	struct wire_attribute attribute;
	int result;

	wire_reader_init(&reader, body, size);
	while ((result = wire_next(&reader, &attribute, err)) > 0) {
		if (attribute.tag == TAG_PATH)
			result = wire_string_into(&attribute, ret_order->path, sizeof(ret_order->path), err);
		else if (attribute.tag == TAG_NAME)
			result = wire_strings_add(&ret_order->names, &attribute, NAME_SIZE, DISCARD_MAX_NAMES, err);
		if (result < 0)
			return -1;
	}
	if (result < 0)
		return -1;
	if (!path_is_plain(ret_order->path))
		return error_set(err, EINVAL, "path %s", ret_order->path);
	for (size_t i = 0; i < ret_order->names.count; i++)
		if (!is_entry_name(ret_order->names.items[i]))
			return error_set(err, EINVAL, "name %s", ret_order->names.items[i]);
	return 0;
}

/* It holds nothing of the launcher's: neither the depot's lock nor the socket whose end tells wardend that the launcher is gone. */
_Noreturn static void remove_in_child(int directory, int report, const struct order *order)
{
	struct error err = { 0 };
	sigset_t none;

	/* Above all numbers that are given out below, so that neither is overwritten before its turn. */
	int high_directory = fcntl(directory, F_DUPFD_CLOEXEC, 16), high_report = fcntl(report, F_DUPFD_CLOEXEC, 16);

	if (high_directory < 0 || high_report < 0 || dup2(high_directory, CHILD_DIRECTORY) < 0 || dup2(high_report, CHILD_REPORT) < 0 ||
	    close_fds(CHILD_REPORT + 1, ~0U) < 0)
		_exit(1);
	/* wardend takes the end of the launcher's standard error for the launcher's own. */
	if (close_fds(0, 2) < 0 || fd_open_standard() < 0)
		_exit(1);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* Creates and jobs come first. */
	setpriority(PRIO_PROCESS, 0, NICE);
	for (size_t i = 0; i < order->names.count; i++)
		disk_take_apart(CHILD_DIRECTORY, order->names.items[i]);
	if (remove_entries(CHILD_DIRECTORY, order->names.items, order->names.count, &err) == 0)
		_exit(0);
	_exit(write(CHILD_REPORT, &err, sizeof(err)) == (ssize_t)sizeof(err) ? 2 : 1);
}

static int start(struct launcher *launcher, uint32_t request, const struct order *order, struct error *err)
{
	struct discard *discard;
	size_t count = 0;
	int ends[2];

	for (discard = launcher->discards; discard != NULL; discard = discard->next)
		count++;
	if (count >= DISCARD_MAX_UNDER_WAY)
		return error_set(err, EAGAIN, "%zu removals are under way", count);
	_cleanup_close_ int directory = open(order->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (directory < 0)
		return error_set(err, errno, "%s", order->path);
	discard = calloc(1, sizeof(*discard));
	if (discard == NULL)
		return error_set(err, ENOMEM, "discard");
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
		free(discard);
		return error_set(err, errno, "pipe");
	}
	discard->pid = fork();
	if (discard->pid == 0)
		remove_in_child(directory, ends[1], order);
	close_fd(ends[1]);
	if (discard->pid < 0) {
		int number = errno;

		close_fd(ends[0]);
		free(discard);
		return error_set(err, number, "fork");
	}
	discard->report = ends[0];
	discard->request = request;
	discard->next = launcher->discards;
	launcher->discards = discard;
	return 0;
}

void discard_begin(struct launcher *launcher, uint32_t request, const void *body, size_t size)
{
	struct error err = { .step = STEP_DISCARD };
	struct order order = { .path = "" };

	if (read_order(body, size, &order, &err) < 0 || start(launcher, request, &order, &err) < 0)
		answer_error(launcher, request, &err);
	wire_strings_free(&order.names);
}

static void answer(struct launcher *launcher, const struct discard *discard, int status)
{
	struct error err;

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		answer_ok(launcher, discard->request, 0);
		return;
	}
	/* The text is the child's, which may have been killed while it wrote. */
	if (read(discard->report, &err, sizeof(err)) != (ssize_t)sizeof(err))
		error_set(&err, ECHILD, WIFSIGNALED(status) ? "killed by signal %d" : "exited with status %d", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	err.detail[sizeof(err.detail) - 1] = '\0';
	err.step = STEP_DISCARD;
	answer_error(launcher, discard->request, &err);
}

bool discard_child_ended(struct launcher *launcher, pid_t pid, int status)
{
	struct discard **link = &launcher->discards;

	while (*link != NULL && (*link)->pid != pid)
		link = &(*link)->next;
	if (*link == NULL)
		return false;
	struct discard *discard = *link;

	*link = discard->next;
	answer(launcher, discard, status);
	close_fd(discard->report);
	free(discard);
	return true;
}

void discard_drop_all(struct launcher *launcher)
{
	while (launcher->discards != NULL) {
		struct discard *discard = launcher->discards;

		launcher->discards = discard->next;
		close_fd(discard->report);
		free(discard);
	}
}
