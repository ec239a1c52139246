/*
 * iomux-spawn [--no-wait] [--output-limit BYTES] DIR COMMAND [ARGUMENT...]: runs a command whose output and exit status can be fetched later, by iomux-link.
 *
 * Theory of operation. The command's process is forked at once, and waits; its stdout and stderr are pipes, which the monitor's own output.c empties into
 * a spool in DIR, in the order of writing. DIR/link.sock (mode 0600) takes links: each follows the spool from a position of its choice, at its own pace,
 * and none holds up the command or another link. The first one lets the command be executed. When the command has ended, what it wrote and how it ended
 * is kept until a link says that it has written all of it; then the links that are there get their rest, and everything goes: spool, socket, process.
 * One thread, one epoll. Nothing but this process is needed; when it is killed, links say that the command is lost.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "iomux/one-job.h"
#include "lib/fd.h"

enum { OWN_FAILURE = 255 };

static const char usage[] =
	"usage: iomux-spawn [OPTION...] DIR COMMAND [ARGUMENT...]\n"
	"\n"
	"Runs COMMAND with its output caught in DIR, until iomux-link has fetched it. Prints child_pid=N, waits\n"
	"for the first link, executes COMMAND and prints `child active`.\n"
	"\n"
	"  --no-wait              execute COMMAND at once\n"
	"  --output-limit BYTES   the byte after these kills COMMAND's processes (default: no limit)\n"
	"  --help                 this text\n"
	"\n"
	"TERM, INT, HUP, QUIT, USR1 and USR2 are passed on to COMMAND while it runs. Before and after that they\n"
	"end iomux-spawn, and what was kept is gone.\n";

struct options {
	bool no_wait;
	uint64_t output_limit;
	const char *directory;
	char **command;
};

static const int passed_on[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 };
static struct one_job one;
static struct source signals;

static int read_limit(const char *text, uint64_t *ret_limit)
{
	char *end;

	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0)
		return -1;
	*ret_limit = value;
	return 0;
}

/* 1: go on; 0: help was asked for; -1. */
static int read_options(int argc, char **argv, struct options *ret_options)
{
	static const struct option known[] = {
		{ "no-wait", no_argument, NULL, 'n' },
		{ "output-limit", required_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	*ret_options = (struct options){ .output_limit = UINT64_MAX };
	/* The command's own options are its own. */
	while ((option = getopt_long(argc, argv, "+h", known, NULL)) != -1) {
		if (option == 'h')
			return 0;
		if (option == 'n') {
			ret_options->no_wait = true;
		} else if (option != 'l') {
			return -1;
		} else if (read_limit(optarg, &ret_options->output_limit) < 0) {
			fprintf(stderr, "iomux-spawn: --output-limit: %s is no number of bytes\n", optarg);
			return -1;
		}
	}
	if (argc - optind < 2) {
		fprintf(stderr, "iomux-spawn: DIR and COMMAND are needed\n");
		return -1;
	}
	ret_options->directory = argv[optind];
	ret_options->command = argv + optind + 1;
	return 1;
}

static void on_signal(struct source *source, uint32_t events)
{
	struct signalfd_siginfo info;

	(void)events;
	if (read(source->fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (one.program.pidfd >= 0 && one.program.go < 0)
		program_signal(&one.program, (int)info.ssi_signo);
	else
		one_job_give_up(&one);
}

/* A signal that we were started to ignore (nohup) stays ignored, by the command as well. */
static int take_signals(sigset_t *ret_mask, struct error *err)
{
	sigset_t taken;

	sigemptyset(&taken);
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++) {
		struct sigaction action;

		if (sigaction(passed_on[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
			sigaddset(&taken, passed_on[i]);
	}
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &taken, ret_mask);
	signals = (struct source){ .fd = signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK), .ready = on_signal };
	return signals.fd < 0 ? error_set(err, errno, "signalfd") : 0;
}

static int start(const struct options *options, struct error *err)
{
	int fds[4] = { -1, -1, -1, -1 };
	sigset_t mask;
	int result = take_signals(&mask, err);

	if (result == 0)
		result = program_start(&one.program, options->command, &mask, fds, err);
	if (result == 0)
		result = one_job_init(&one, fds, options->output_limit, err);
	if (result == 0)
		result = loop_add(&one.monitor.loop, &signals, EPOLLIN, err);
	for (int i = 0; i < 4; i++)
		close_fd(fds[i]);
	return result;
}

static int run(const struct options *options, struct error *err)
{
	err->step = "open directory";
	if (meeting_place_open(&one.place, options->directory, err) < 0)
		return -1;
	err->step = "start";
	int result = start(options, err);

	if (result == 0) {
		printf("child_pid=%d\n", one.program.pid);
		fflush(stdout);
		if (options->no_wait)
			one_job_begin(&one);
		err->step = "serve";
	}
	while (result == 0 && !one_job_is_finished(&one))
		result = loop_turn(&one.monitor.loop, err);
	if (result < 0 && one.program.pid > 0)
		program_signal(&one.program, SIGKILL);
	one_job_remove(&one);
	if (result == 0 && one.given_up)
		return error_set(err, EINTR, "ended by a signal; what was kept is gone");
	return result;
}

int main(int argc, char **argv)
{
	struct options options;
	struct error err = { 0 };
	int result = read_options(argc, argv, &options);

	if (result <= 0) {
		fputs(usage, result == 0 ? stdout : stderr);
		return result == 0 ? 0 : OWN_FAILURE;
	}
	/* The command gets standard input, output and error, and nothing that we happen to have been given. */
	close_fds(STDERR_FILENO + 1, ~0u);
	if (fd_open_standard() < 0)
		return OWN_FAILURE;
	if (run(&options, &err) == 0)
		return 0;
	error_print("iomux-spawn", &err);
	return OWN_FAILURE;
}
