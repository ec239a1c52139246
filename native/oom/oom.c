/*
 * oom CGROUP: waits until the OOM killer takes a process of a cgroup, v1 or v2, and says so by its exit status.
 *
 * It opens the group's directory once, watches it as a container's monitor does (lib/oom-watch.c), and only reads. What happened before it was
 * started does not count. It ends with its own status for a group that is removed: that is an event on v1 as well, and must not be taken for the other.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/error.h"
#include "lib/fd.h"
#include "lib/oom-watch.h"

enum { OUT_OF_MEMORY = 0, GROUP_REMOVED = 1, FAILED = 2 };

static const char usage[] =
	"usage: oom [--announce] CGROUP\n"
	"\n"
	"Waits until the cgroup whose directory is CGROUP (v1: in the memory hierarchy) is out of memory, which is when the\n"
	"OOM killer takes one of its processes.\n"
	"\n"
	"      --announce   writes \"watching\" to standard output as soon as nothing can be missed any more\n"
	"      --help       this text\n"
	"\n"
	"Exit status: 0 out of memory, 1 the cgroup was removed, 2 it cannot be watched, or wrong use.\n";

static int wrong_use(void)
{
	fputs(usage, stderr);
	return FAILED;
}

static int fail(const struct error *err)
{
	error_print("oom", err);
	return FAILED;
}

static int open_watch(const char *path, struct oom_watch *ret_watch, struct error *err)
{
	_cleanup_close_ int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	err->step = "watch cgroup";
	if (directory < 0)
		return error_set(err, errno, "%.200s", path);
	return oom_watch_open(ret_watch, directory, err);
}

static int wait_for_end(struct oom_watch *watch, struct error *err)
{
	struct pollfd poller = { .fd = watch->event, .events = oom_watch_poll_events(watch) };
	int again = -1;

	err->step = "wait";
	for (;;) {
		int count = poll(&poller, 1, again);

		if (count < 0 && errno != EINTR)
			return error_set(err, errno, "poll");
		switch (oom_watch_look(watch)) {
		case OOM_HIT:
			return OUT_OF_MEMORY;
		case OOM_GONE:
			return GROUP_REMOVED;
		case OOM_UNDECIDED:
			again = watch->pause_ms;
			break;
		case OOM_NOTHING:
			again = -1;
		}
	}
}

static int run(const char *path, bool announce)
{
	struct error err = { 0 };
	struct oom_watch watch;

	if (open_watch(path, &watch, &err) < 0)
		return fail(&err);
	if (announce && (puts("watching") == EOF || fflush(stdout) == EOF)) {
		error_set(&err, errno, "standard output");
		oom_watch_close(&watch);
		return fail(&err);
	}
	int result = wait_for_end(&watch, &err);

	oom_watch_close(&watch);
	return result < 0 ? fail(&err) : result;
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "announce", no_argument, NULL, 'a' }, { "help", no_argument, NULL, 'h' }, { 0 } };
	bool announce = false;
	int option;

	if (fd_open_standard() < 0)
		return FAILED;
	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(usage, stdout);
			return 0;
		}
		if (option != 'a')
			return wrong_use();
		announce = true;
	}
	return argc - optind == 1 ? run(argv[optind], announce) : wrong_use();
}
