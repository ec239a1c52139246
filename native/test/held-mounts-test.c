#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/deadline.h"
#include "lib/fd.h"
#include "lib/syscalls.h"
#include "monitor/held-mounts.h"
#include "test/tap.h"

static int next_descriptor(void)
{
	int fd = dup(0);

	close_fd(fd);
	return fd;
}

int main(void)
{
	int before = next_descriptor();
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	int pidfd = sys_pidfd_open(pid, 0);
	struct held_mounts held = { 0 };
	struct error err = { 0 };

	held_mounts_take(&held, pidfd, pid, deadline_in_ms(60000));
	held_mounts_release_at_death(&held);
	CHECK(held.running, "the mounts of a process that lives are held");
	for (int try = 0; try < 2; try++)
		CHECK(held_mounts_finish(&held, clock_now_ms(), &err) < 0 && err.number == ETIMEDOUT, "who has waited long enough is told that they are there still");
	kill(pid, SIGKILL);
	CHECK(held_mounts_finish(&held, deadline_in_ms(60000), &err) == 0, "with its death they are let go of");
	CHECK(held_mounts_finish(&held, clock_now_ms(), &err) == 0, "once more is no error");
	waitpid(pid, NULL, 0);

	held_mounts_take(&held, pidfd, pid, deadline_in_ms(60000));
	held_mounts_release_at_death(&held);
	CHECK(!held.running && held_mounts_finish(&held, clock_now_ms(), &err) == 0, "of a process that is gone there is nothing to hold");
	close_fd(pidfd);
	CHECK(next_descriptor() == before, "no descriptor is left");
	return tap_end();
}
