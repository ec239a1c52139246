/*
 * plain-monitor: a monitor of plain processes, for container_klass: Insecure. It needs no rights, and isolates nothing.
 *
 * Theory of operation. wardend starts it with the paths of a container's directory, of the programs wshd and files, of syslog's socket, and with
 * the environment of shells that wsh opens; descriptor 3 is a socket to wardend. It starts wshd, which becomes the parent of all that is left without one (a subreaper, in place of a PID 1), tells wardend that it is
 * ready, and from then on it is the same as every monitor: it serves run/monitor.sock until DESTROY, keeps the output and the ends of its jobs, and lives on when
 * wardend goes. There are no namespaces, no cgroups, no layers and no filter. A job is found by its session and its parents (lib/descendants.h).
 *
 * When wshd is killed its processes become ours, and are killed; when we are killed wshd kills them. Only somebody who kills both leaves some behind.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "lib/deadline.h"
#include "lib/fd.h"
#include "lib/stream.h"
#include "monitor/inherited.h"
#include "monitor/server.h"
#include "plain/start.h"

enum { SERVER = 3 };

static void report(const struct error *failure)
{
	struct wire_buffer buffer = { 0 };
	struct error ignored;

	if (failure != NULL)
		wire_begin_error(&buffer, failure);
	else
		wire_begin(&buffer, WIRE_OK);
	if (wire_end(&buffer, &ignored) == 0)
		stream_send(SERVER, &buffer, NULL, 0, deadline_in_ms(1000), &ignored);
	wire_buffer_free(&buffer);
}

int main(int argc, char **argv)
{
	static struct container container;
	struct error err = { 0 };

	if (argc != 5) {
		fprintf(stderr, "usage: plain-monitor DIRECTORY WSHD FILES SYSLOG (started by wardend, with a socket as descriptor 3)\n");
		return 2;
	}
	const struct plain_paths paths = { .directory = argv[1], .wshd = argv[2], .files = argv[3], .syslog = argv[4] };

	if (fd_set_cloexec(SERVER, true, &err) < 0 || fd_set_nonblocking(SERVER, true, &err) < 0) {
		fprintf(stderr, "plain-monitor: descriptor 3 has to be wardend's socket\n");
		return 1;
	}
	close_fds(SERVER + 1, ~0u);
	inherited_normalise();
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 || plain_start(SERVER, &paths, &container, &err) < 0) {
		report(&err);
		return 1;
	}
	report(NULL);
	close_fd(SERVER);
	inherited_raise_descriptor_limit();
	/* A job may close its input while something is written to it. */
	signal(SIGPIPE, SIG_IGN);
	return server_run(&container, &err) < 0 ? 1 : 0;
}
