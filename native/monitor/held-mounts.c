#include "monitor/held-mounts.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>

#include "lib/fd.h"

void held_mounts_take(struct held_mounts *held, int pidfd, pid_t pid, int64_t deadline)
{
	char path[48];

	held->deadline = deadline;
	/* The monitor closes its own when it has heard of the death. */
	held->pidfd = fcntl(pidfd, F_DUPFD_CLOEXEC, 0);
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	held->namespace = held->pidfd < 0 ? -1 : open(path, O_RDONLY | O_CLOEXEC);
}

static void let_go(struct held_mounts *held)
{
	held->namespace = close_fd(held->namespace);
	held->pidfd = close_fd(held->pidfd);
}

static void *wait_and_let_go(void *argument)
{
	struct held_mounts *held = argument;
	struct error ignored;

	fd_wait(held->pidfd, POLLIN, held->deadline, &ignored);
	let_go(held);
	eventfd_write(held->over, 1);
	return NULL;
}

void held_mounts_release_at_death(struct held_mounts *held)
{
	held->over = held->namespace < 0 ? -1 : eventfd(0, EFD_CLOEXEC);
	held->running = held->over >= 0 && pthread_create(&held->thread, NULL, wait_and_let_go, held) == 0;
	if (held->running)
		return;
	held->over = close_fd(held->over);
	let_go(held);
}

int held_mounts_finish(struct held_mounts *held, int64_t deadline, struct error *err)
{
	if (!held->running)
		return 0;
	if (fd_wait(held->over, POLLIN, deadline, err) < 0)
		return error_set(err, err->number, "the container's mounts, which wait for a file system");
	pthread_join(held->thread, NULL);
	held->running = false;
	held->over = close_fd(held->over);
	return 0;
}
