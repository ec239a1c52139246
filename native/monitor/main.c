/*
 * monitor: one per container; the parent of its PID 1, and the keeper of its jobs.
 *
 * Theory of operation. The launcher starts it by vfork and exec in a minimal mount namespace, with descriptor 3 one end of a socket pair, over
 * which the description of the container comes with the descriptors of everything in the host's file system it needs. create.c makes the
 * container: cgroups, the upper layer, namespaces, the overlay; the child it clones (child.c) builds the mount tree in rootfs.c and executes
 * wshd. If a step fails, what was done is undone, the launcher gets the step and its errno, and the process ends.
 *
 * Then it serves run/monitor.sock (server.c) until DESTROY. It outlives the launcher and wardend. One thread, one epoll; it never waits for
 * a job, a reader, or a disk's flush. Jobs are started by wshd, which passes their pipes back (wshd-channel.c); output.c keeps their output
 * (spool.c), follow.c passes it on. When the monitor dies nobody could serve the container, so the kernel kills it (PR_SET_PDEATHSIG).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "lib/deadline.h"
#include "lib/fd.h"
#include "lib/short-slice.h"
#include "lib/steps.h"
#include "lib/stream.h"
#include "monitor/create.h"
#include "monitor/inherited.h"
#include "monitor/server.h"

enum { LAUNCHER = 3 };

static void print_steps(void)
{
#define STEP_PRINT(name, text) puts(text);
	CREATE_STEPS(STEP_PRINT)
#undef STEP_PRINT
}

static void report(const struct error *err)
{
	struct wire_buffer buffer = { 0 };
	struct error ignored;

	wire_begin_error(&buffer, err);
	if (wire_end(&buffer, &ignored) == 0)
		stream_send(LAUNCHER, &buffer, NULL, 0, deadline_in_ms(1000), &ignored);
	wire_buffer_free(&buffer);
}

int main(int argc, char **argv)
{
	struct container container;
	struct error err = { 0 };

	if (argc == 2 && strcmp(argv[1], "--steps") == 0) {
		print_steps();
		return 0;
	}
	close_fds(LAUNCHER + 1, ~0u);
	/* The working directory is the root already: setns() to a mount namespace sees to that. */
	inherited_normalise();
	if (fd_set_cloexec(LAUNCHER, true, &err) < 0 || fd_set_nonblocking(LAUNCHER, true, &err) < 0) {
		fprintf(stderr, "monitor: descriptor 3 has to be the launcher's socket\n");
		return 1;
	}
	if (create_run(LAUNCHER, argc > 1 ? argv[1] : "", &container, &err) < 0) {
		report(&err);
		return 1;
	}
	close_fd(LAUNCHER);
	inherited_raise_descriptor_limit();
	short_slice_take();
	/* A job may close its input while something is written to it. After the clone: jobs have the default. */
	signal(SIGPIPE, SIG_IGN);
	return server_run(&container, &err) < 0 ? 1 : 0;
}
