#include "launcher/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/time.h>

#include "lib/fault.h"
#include "lib/fd.h"
#include "launcher/steps.h"

enum { WAIT_SECONDS = 5, AGAIN_MICROSECONDS = 100000 };

static pid_t read_owner(int fd)
{
	char text[24];
	ssize_t count = pread(fd, text, sizeof(text) - 1, 0);

	if (count <= 0)
		return 0;
	text[count] = '\0';
	long pid = strtol(text, NULL, 10);

	return pid > 0 && pid <= INT32_MAX ? (pid_t)pid : 0;
}

static bool is_alive(pid_t pid)
{
	return pid > 0 && (kill(pid, 0) == 0 || errno != ESRCH);
}

static void on_alarm(int signal)
{
	(void)signal;
}

/*
 * flock() that ends after WAIT_SECONDS: SIGALRM interrupts it. The timer repeats, because a first signal that arrives before the call would
 * be lost.
 */
static int lock_waiting(int fd)
{
	struct sigaction action = { .sa_handler = on_alarm }, before;
	struct itimerval timer = { .it_value.tv_sec = WAIT_SECONDS, .it_interval.tv_usec = AGAIN_MICROSECONDS }, none = { 0 };

	sigaction(SIGALRM, &action, &before);
	setitimer(ITIMER_REAL, &timer, NULL);
	int result = flock(fd, LOCK_EX);
	int number = errno;

	setitimer(ITIMER_REAL, &none, NULL);
	sigaction(SIGALRM, &before, NULL);
	errno = number;
	return result;
}

int lock_take(const char *depot, pid_t owner, pid_t *ret_owner, struct error *err)
{
	*ret_owner = 0;
	if (step_begin(STEP_LOCK_DEPOT, err) < 0)
		return -1;
	_cleanup_close_ int directory = open(depot, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (directory < 0)
		return error_set(err, errno, "%s", depot);
	_cleanup_close_ int fd = openat(directory, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return error_set(err, errno, "%s/lock", depot);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return error_set(err, errno, "%s/lock", depot);
		pid_t holder = read_owner(fd);

		/* Our own wardend as the owner means a launcher of its before us, which is on its way out. */
		if ((holder != owner && is_alive(holder)) || lock_waiting(fd) < 0) {
			*ret_owner = read_owner(fd);
			return error_set(err, EBUSY, "%s is in use by process %d", depot, (int)*ret_owner);
		}
	}
	char text[24];
	int length = snprintf(text, sizeof(text), "%d\n", (int)owner);

	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)length, 0) != length)
		return error_set(err, errno, "%s/lock", depot);
	return steal_fd(&fd);
}
