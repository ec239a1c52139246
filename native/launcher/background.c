#include "launcher/background.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "lib/fd.h"

enum { CHILD_DESCRIPTOR = 3, CHILD_REPORT = 4 };

struct background {
	struct background *next;
	const char *step;
	pid_t pid;
	uint32_t request;
	int report;   /* from the child: a struct error when it fails */
};

/* The child holds nothing of the launcher's: neither the depot's lock nor the socket whose end tells wardend that the launcher is gone. */
static int leave_launcher(int descriptor, int report)
{
	/* Above all numbers that are given out below, so that neither is overwritten before its turn. */
	int high_descriptor = descriptor < 0 ? -1 : fcntl(descriptor, F_DUPFD_CLOEXEC, 16), high_report = fcntl(report, F_DUPFD_CLOEXEC, 16);
	sigset_t none;

	if (high_report < 0 || dup2(high_report, CHILD_REPORT) < 0)
		return -1;
	if (descriptor < 0)
		close(CHILD_DESCRIPTOR);
	else if (high_descriptor < 0 || dup2(high_descriptor, CHILD_DESCRIPTOR) < 0)
		return -1;
	/* wardend takes the end of the launcher's standard error for the launcher's own. */
	if (close_fds(CHILD_REPORT + 1, ~0U) < 0 || close_fds(0, 2) < 0 || fd_open_standard() < 0)
		return -1;
	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL);
}

_Noreturn static void work_in_child(int report, const struct background_task *task)
{
	struct error err = { 0 };

	if (leave_launcher(task->descriptor, report) < 0)
		_exit(1);
	setpriority(PRIO_PROCESS, 0, task->niceness);
	if (task->work(task->descriptor < 0 ? -1 : CHILD_DESCRIPTOR, task->order, &err) == 0)
		_exit(0);
	_exit(write(CHILD_REPORT, &err, sizeof(err)) == (ssize_t)sizeof(err) ? 2 : 1);
}

static size_t under_way(const struct launcher *launcher, const char *step)
{
	size_t count = 0;

	for (const struct background *one = launcher->background; one != NULL; one = one->next)
		if (one->step == step)
			count++;
	return count;
}

int background_start(struct launcher *launcher, uint32_t request, const struct background_task *task, struct error *err)
{
	int ends[2];

	if (under_way(launcher, task->step) >= task->max_under_way)
		return error_set(err, EAGAIN, "%zu are under way", task->max_under_way);
	struct background *background = calloc(1, sizeof(*background));

	if (background == NULL)
		return error_set(err, ENOMEM, "process of its own");
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
		free(background);
		return error_set(err, errno, "pipe");
	}
	background->pid = fork();
	if (background->pid == 0)
		work_in_child(ends[1], task);
	close_fd(ends[1]);
	if (background->pid < 0) {
		int number = errno;

		close_fd(ends[0]);
		free(background);
		return error_set(err, number, "fork");
	}
	background->step = task->step;
	background->report = ends[0];
	background->request = request;
	background->next = launcher->background;
	launcher->background = background;
	return 0;
}

static void answer(struct launcher *launcher, const struct background *background, int status)
{
	struct error err;

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		answer_ok(launcher, background->request);
		return;
	}
	/* The text is the child's, which may have been killed while it wrote. */
	if (read(background->report, &err, sizeof(err)) != (ssize_t)sizeof(err))
		error_set(&err, ECHILD, WIFSIGNALED(status) ? "killed by signal %d" : "exited with status %d", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	err.detail[sizeof(err.detail) - 1] = '\0';
	err.step = background->step;
	answer_error(launcher, background->request, &err);
}

bool background_child_ended(struct launcher *launcher, pid_t pid, int status)
{
	struct background **link = &launcher->background;

	while (*link != NULL && (*link)->pid != pid)
		link = &(*link)->next;
	if (*link == NULL)
		return false;
	struct background *background = *link;

	*link = background->next;
	answer(launcher, background, status);
	close_fd(background->report);
	free(background);
	return true;
}

void background_drop_all(struct launcher *launcher)
{
	while (launcher->background != NULL) {
		struct background *background = launcher->background;

		launcher->background = background->next;
		close_fd(background->report);
		free(background);
	}
}
