/*
 * The floor: the kernel work of creating a container, running a job in it and destroying it, and nothing else. What warden
 * takes longer than this program is what its processes, its protocol and its safety cost.
 *
 * Theory of operation
 *   One process makes a container as warden's launcher and monitor do together: a directory with upper and work layer; a group in each
 *   cgroup hierarchy; one clone3 into new mount, pid, network, ipc, uts and user namespaces; id maps of four extents; an overlay
 *   (volatile) on the id-mapped root file system; a veth pair, addresses, a default route; two elements in nftables sets. The child joins
 *   the groups itself, takes the mounts by descriptor, adds proc, sysfs, /dev, devpts, shm and the masked paths, pivots and says "ready":
 *   it is PID 1 without another program being executed. Jobs are forked by PID 1, their pipes come by SCM_RIGHTS.
 *   Destroying is: kill PID 1, wait for it, remove the groups and the elements, rename the directory into a trash. What the kernel does later
 *   (network namespace, link) and the removal of the trash are not in the sample, but in cycles per second.
 *   There is no seccomp filter, no executed PID 1, no snapshot and no file in the upper layer; `variant extended` adds filter and files.
 *
 * Processes
 *   The one that reads commands; with --live N a keeper that holds N containers, so that their descriptors are inherited by nobody else;
 *   for `cycles` one worker each. All have the same mount namespace. When the first ends, by whatever means, the others undo what they hold.
 *
 * Commands, one a line on standard input; each answers one line of JSON on standard output, times in microseconds.
 *   lifecycle COUNT SPACING_US true|bash      create, run, destroy, COUNT times, with a pause before each
 *   runs COUNT SPACING_US true|bash|timed     COUNT jobs in one container; timed: vfork to wait of bash, as PID 1 sees it
 *   bash COUNT memfd|pipe                     vfork, exec and wait of bash on the host, `true` on its standard input
 *   cycles WORKERS MILLISECONDS true|bash     as many lifecycles as fit
 *   rtnl MILLISECONDS                         requests that need RTNL, and that do not, while others work
 *   variant plain|extended
 */
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "floor/floor.h"
#include "lib/fd.h"

static volatile sig_atomic_t stop_requested;

static void request_stop(int signal_number)
{
	(void)signal_number;
	stop_requested = 1;
}

int report(const struct error *err)
{
	fprintf(stderr, "floor: %s: %s\n", err->detail, strerror(err->number));
	return -1;
}

bool interrupted(void)
{
	return stop_requested != 0;
}

double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int parse_kind(const char *text, enum job_kind *ret_kind)
{
	static const char *const names[] = { [JOB_TRUE] = "true", [JOB_BASH] = "bash", [JOB_TIMED_BASH] = "timed" };

	for (size_t i = 0; i < 3; i++)
		if (strcmp(text, names[i]) == 0) {
			*ret_kind = (enum job_kind)i;
			return 0;
		}
	return -1;
}

/* 0, or -1 when the command failed; 1 when there is no such command. */
static int execute(struct floor *floor, const char *line)
{
	unsigned int count, number;
	char word[16];
	enum job_kind kind;

	if (sscanf(line, "lifecycle %u %u %15s", &count, &number, word) == 3 && count <= FLOOR_MAX_SAMPLES && parse_kind(word, &kind) == 0)
		return measure_lifecycles(floor, count, number, kind);
	if (sscanf(line, "runs %u %u %15s", &count, &number, word) == 3 && count <= FLOOR_MAX_SAMPLES && parse_kind(word, &kind) == 0)
		return measure_runs(floor, count, number, kind);
	if (sscanf(line, "bash %u %15s", &count, word) == 2 && count <= FLOOR_MAX_SAMPLES)
		return measure_bash(count, strcmp(word, "pipe") == 0);
	if (sscanf(line, "cycles %u %u %15s", &count, &number, word) == 3 && parse_kind(word, &kind) == 0)
		return measure_cycles(floor, count, number, kind);
	if (sscanf(line, "rtnl %u", &number) == 1)
		return measure_rtnl(number);
	if (sscanf(line, "variant %15s", word) == 1) {
		floor->extended = strcmp(word, "extended") == 0;
		printf("{}\n");
		return 0;
	}
	return 1;
}

static int serve(struct floor *floor)
{
	char line[256];
	int result = 0;

	while (result == 0 && !interrupted() && fgets(line, sizeof(line), stdin) != NULL) {
		result = execute(floor, line);
		if (result > 0)
			fprintf(stderr, "floor: unknown command: %s", line);
		fflush(stdout);
	}
	return result;
}

/* The raw instructions of a compiled filter. */
static int read_filter(const char *path, struct sock_fprog *ret_filter)
{
	struct stat status;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &status) < 0 || status.st_size == 0)
		return -1;
	void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);

	if (bytes == MAP_FAILED)
		return -1;
	ret_filter->filter = bytes;
	ret_filter->len = (unsigned short)((size_t)status.st_size / sizeof(struct sock_filter));
	return 0;
}

static int usage(void)
{
	fprintf(stderr, "usage: floor --depot DIRECTORY --lower ROOTFS --true PROGRAM [--bind SOURCE:DESTINATION]… [--seccomp FILE] [--live N]\n");
	return 2;
}

static int add_bind(struct floor *floor, char *text)
{
	char *colon = strchr(text, ':');

	if (colon == NULL || colon[1] != '/' || floor->bind_count == FLOOR_MAX_BINDS)
		return -1;
	*colon = '\0';
	floor->binds[floor->bind_count++] = (struct bind){ .source = text, .destination = colon + 1 };
	return 0;
}

static int parse(int argc, char **argv, struct floor *floor, unsigned int *ret_live)
{
	static const struct option options[] = {
		{ "depot", required_argument, NULL, 'd' }, { "lower", required_argument, NULL, 'l' }, { "true", required_argument, NULL, 't' },
		{ "bind", required_argument, NULL, 'b' }, { "seccomp", required_argument, NULL, 's' }, { "live", required_argument, NULL, 'n' },
		{ NULL, 0, NULL, 0 },
	};
	int option, wrong = 0;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'd')
			floor->depot = optarg;
		else if (option == 'l')
			floor->lower = optarg;
		else if (option == 't')
			floor->true_program = optarg;
		else if (option == 'b')
			wrong |= add_bind(floor, optarg) < 0;
		else if (option == 's')
			wrong |= read_filter(optarg, &floor->filter) < 0;
		else if (option == 'n')
			wrong |= sscanf(optarg, "%u", ret_live) != 1 || *ret_live > FLOOR_MAX_LIVE;
		else
			wrong = 1;
	}
	return wrong || optind != argc || floor->depot == NULL || floor->lower == NULL || floor->true_program == NULL ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct floor floor = { .depot_fd = -1, .trash_fd = -1, .dev_fd = -1, .true_fd = -1, .route_fd = -1, .nft_fd = -1, .index_count = FLOOR_INDEXES };
	struct sigaction action = { .sa_handler = request_stop };
	struct keeper keeper = { 0 };
	struct error err = { 0 };
	unsigned int live = 0;
	int result;

	if (parse(argc, argv, &floor, &live) < 0)
		return usage();
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	result = floor_open(&floor, &err);
	if (result < 0)
		report(&err);
	else if (live > 0 && (result = keeper_start(&floor, live, &keeper)) < 0)
		fprintf(stderr, "floor: %u live containers could not be made\n", live);
	else
		result = serve(&floor);
	keeper_end(&keeper);
	floor_close(&floor);
	return result != 0 || interrupted();
}
