/*
 * How much the kernel's lock of network interfaces (RTNL) is held by others: how long a request takes that needs the lock and changes nothing, and
 * one on the same socket that does not need it, in turns. Without kernel tracing this is how one sees a lock from outside.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "floor/floor.h"
#include "floor/netlink.h"
#include "lib/fd.h"

enum { LOOPBACK = 1, LEAST_PAUSE_US = 100, MORE_PAUSE_US = 400 };

/* Microseconds of a request to change nothing about the loopback interface, or of one that is not even looked at. */
static double ask(int fd, bool locks, struct error *err)
{
	struct batch batch = { 0 };
	struct ifinfomsg header = { .ifi_index = LOOPBACK };
	double begin = now_us();

	batch_message(&batch, locks ? RTM_SETLINK : NLMSG_NOOP, NLM_F_ACK, &header, sizeof(header));
	return batch_send(fd, &batch, "lo", err) < 0 ? -1 : now_us() - begin;
}

static int probe(double until)
{
	static double times[2][FLOOR_MAX_SAMPLES];
	struct error err = { 0 };
	size_t count = 0;
	unsigned int random = 1;

	/* A network of its own: the lock is everybody's, the interface is not. */
	if (unshare(CLONE_NEWNET) < 0) {
		error_set(&err, errno, "network namespace");
		return report(&err);
	}
	_cleanup_close_ int fd = netlink_open(NETLINK_ROUTE, &err);

	for (; fd >= 0 && count < FLOOR_MAX_SAMPLES && now_us() < until && !interrupted(); count++) {
		for (size_t locks = 0; locks < 2; locks++)
			if ((times[locks][count] = ask(fd, locks == 1, &err)) < 0)
				return report(&err);
		/* Not in step with anything. */
		random = random * 1103515245u + 12345u;
		usleep(LEAST_PAUSE_US + (random >> 16) % MORE_PAUSE_US);
	}
	if (fd < 0)
		return report(&err);
	for (size_t locks = 0; locks < 2; locks++) {
		printf("%s\"%s\":[", locks == 0 ? "{" : ",", locks == 0 ? "free" : "locked");
		for (size_t i = 0; i < count; i++)
			printf("%s%.1f", i == 0 ? "" : ",", times[locks][i]);
		printf("]");
	}
	printf("}\n");
	return fflush(stdout);
}

int measure_rtnl(double milliseconds)
{
	int status;

	fflush(stdout);
	pid_t pid = fork();

	if (pid == 0)
		_exit(probe(now_us() + milliseconds * 1e3) != 0);
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
		return -1;
	return 0;
}
