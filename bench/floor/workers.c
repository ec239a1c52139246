/* Forked processes that make containers of their own: workers for cycles per second, and the keeper of those that just live. */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "floor/floor.h"
#include "floor/netlink.h"

enum { WORKER_INDEXES = 800, KEEPER_FIRST = 15000 };

/* A forked process needs sockets and indexes of its own. */
static int become_worker(struct floor *floor, unsigned int first_index, unsigned int index_count, struct error *err)
{
	floor->first_index = first_index;
	floor->index_count = index_count;
	floor->used_indexes = 0;
	floor->route_fd = netlink_open(NETLINK_ROUTE, err);
	floor->nft_fd = netlink_open(NETLINK_NETFILTER, err);
	return floor->route_fd < 0 || floor->nft_fd < 0 ? -1 : 0;
}

static _Noreturn void work(struct floor *floor, unsigned int number, double until, enum job_kind kind, int result_fd)
{
	struct error err = { 0 };
	uint32_t done = 0;
	double times[LIFECYCLE_TIMES];

	if (become_worker(floor, FLOOR_INDEXES + number * WORKER_INDEXES, WORKER_INDEXES, &err) < 0)
		_exit(report(&err) != 0);
	while (now_us() < until && !interrupted()) {
		if (lifecycle(floor, kind, times, NULL, &err) < 0)
			_exit(report(&err) != 0);
		done++;
	}
	_exit(write(result_fd, &done, sizeof(done)) != sizeof(done));
}

int measure_cycles(struct floor *floor, unsigned int workers, double milliseconds, enum job_kind kind)
{
	double begin = now_us();
	uint32_t total = 0, done;
	int ends[2], failed = 0, status;
	pid_t pids[FLOOR_MAX_WORKERS];

	if (workers < 1 || workers > FLOOR_MAX_WORKERS || pipe2(ends, O_CLOEXEC) < 0) {
		fprintf(stderr, "floor: 1 to %d workers\n", FLOOR_MAX_WORKERS);
		return -1;
	}
	fflush(stdout);
	for (unsigned int i = 0; i < workers; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			work(floor, i, begin + milliseconds * 1e3, kind, ends[1]);
		failed |= pids[i] < 0;
	}
	close(ends[1]);
	while (read(ends[0], &done, sizeof(done)) == sizeof(done))
		total += done;
	/* At the pipe's end all have finished; only a signal leaves some at work. */
	for (unsigned int i = 0; interrupted() && i < workers; i++)
		if (pids[i] > 0)
			kill(pids[i], SIGTERM);
	double seconds = (now_us() - begin) / 1e6;

	close(ends[0]);
	for (unsigned int i = 0; i < workers; i++)
		failed |= pids[i] > 0 && (waitpid(pids[i], &status, 0) < 0 || status != 0);
	printf("{\"cycles\":%u,\"seconds\":%.6f}\n", total, seconds);
	return failed ? -1 : 0;
}

static _Noreturn void keep(struct floor *floor, unsigned int count, int ready_fd, int hold_fd)
{
	static struct container containers[FLOOR_MAX_LIVE];
	struct error err = { 0 };
	unsigned int made = 0;
	int failed = become_worker(floor, KEEPER_FIRST, FLOOR_MAX_LIVE, &err);
	char byte;

	while (failed == 0 && made < count && !interrupted()) {
		failed = container_create(floor, &containers[made], &err);
		made += failed == 0;
	}
	if (failed < 0)
		report(&err);
	if (failed == 0 && write(ready_fd, "k", 1) == 1)
		while (read(hold_fd, &byte, 1) < 0 && errno == EINTR && !interrupted())
			continue;
	while (made > 0)
		if (container_destroy(floor, &containers[--made], &err) < 0 || container_remove_trash(floor, containers[made].index, &err) < 0)
			report(&err);
	_exit(failed != 0);
}

int keeper_start(struct floor *floor, unsigned int count, struct keeper *ret_keeper)
{
	int ready[2], hold[2];
	char byte;

	if (pipe2(ready, O_CLOEXEC) < 0 || pipe2(hold, O_CLOEXEC) < 0)
		return -1;
	ret_keeper->pid = fork();
	if (ret_keeper->pid == 0) {
		close(hold[1]);
		close(ready[0]);
		keep(floor, count, ready[1], hold[0]);
	}
	ret_keeper->hold_fd = hold[1];
	close(hold[0]);
	close(ready[1]);
	ssize_t got = ret_keeper->pid < 0 ? -1 : read(ready[0], &byte, 1);

	close(ready[0]);
	return got == 1 ? 0 : -1;
}

void keeper_end(struct keeper *keeper)
{
	if (keeper->pid <= 0)
		return;
	close(keeper->hold_fd);
	while (waitpid(keeper->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
}
