/*
 * wsh --socket PATH [--user NAME] [-- COMMAND ARGUMENT...]: a shell, or a command, on a terminal inside a container.
 *
 * PATH is run/monitor.sock in the container's directory (`container_path` in `info`); only root can open it. The session is session.c's.
 * Exit status: the command's own, 128 + n when signal n ended it, 255 when wsh itself failed.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "wsh/session.h"

enum { OWN_FAILURE = 255 };

static const char usage[] =
	"usage: wsh --socket PATH [--user NAME] [-- COMMAND ARGUMENT...]\n"
	"\n"
	"Opens an interactive shell in a container, or runs COMMAND there on a terminal.\n"
	"\n"
	"  --socket PATH   run/monitor.sock in the container's directory (container_path of `warden -- info`)\n"
	"  --user NAME     vcap (default) or root\n"
	"  --help          this text\n";

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "user", required_argument, NULL, 'u' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct session_request request = { .user = "vcap" };
	int option;

	while ((option = getopt_long(argc, argv, "+s:u:h", options, NULL)) != -1) {
		switch (option) {
		case 's':
			request.socket = optarg;
			break;
		case 'u':
			request.user = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return OWN_FAILURE;
		}
	}
	if (request.socket == NULL) {
		fprintf(stderr, "wsh: --socket is missing\n%s", usage);
		return OWN_FAILURE;
	}
	request.arguments = argv + optind;

	struct error err = { .step = "wsh" };
	int status = session_run(&request, &err);
	if (status < 0) {
		error_print("wsh", &err);
		return OWN_FAILURE;
	}
	return status;
}
