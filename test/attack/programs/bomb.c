/*
 * bomb KIND SECONDS: takes as much of one thing as it gets, and gives everything back after that time, whatever else happens to the test:
 *   forks      processes of forks of forks, each in a session of its own and deaf to every signal that it can be deaf to
 *   threads    a process of as many threads as there may be
 *   files      processes that open pipes, sockets, memfds and event counters until there are no more
 *   spin       one process that computes
 * Prints "full" once, when something was refused for the first time (spin: at once).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FILE_PROCESSES = 40, MOST_PROCESSES = 2000, MOST_THREADS = 2000 };

static time_t end;

static int is_over(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec >= end;
}

static void end_if_over(void)
{
	if (is_over())
		_exit(0);
}

/* The alarm's signal is not one that a bomb ignores. */
static void arm(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	alarm(end > now.tv_sec ? (unsigned)(end - now.tv_sec) : 1);
}

static void say_full(void)
{
	static int said;

	if (!said++)
		dprintf(STDOUT_FILENO, "full\n");
}

static void go_deaf(void)
{
	for (int number = 1; number < NSIG; number++)
		if (number != SIGALRM && number != SIGCHLD)
			signal(number, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);   /* no zombies: they would count */
	setsid();
}

static void fork_for_ever(int first)
{
	for (;;) {
		end_if_over();
		pid_t pid = fork();

		if (pid < 0) {
			if (first)
				say_full();
			continue;
		}
		if (pid == 0) {
			go_deaf();
			arm();
			first = 0;
		}
	}
}

static void *wait_for_ever(void *ignored)
{
	for (;;)
		pause();
	return ignored;
}

static void thread_for_ever(void)
{
	static char stacks[MOST_THREADS][16384] __attribute__((aligned(16)));
	pthread_attr_t attributes;
	int count = 0;

	pthread_attr_init(&attributes);
	for (;;) {
		pthread_t thread;

		end_if_over();
		if (count < MOST_THREADS) {
			pthread_attr_setstack(&attributes, stacks[count], sizeof(stacks[count]));
			if (pthread_create(&thread, &attributes, wait_for_ever, NULL) == 0) {
				count++;
				continue;
			}
		}
		say_full();
	}
}

static void open_for_ever(void)
{
	int pair[2];

	for (int kind = 0;; kind++) {
		int result = kind % 4 == 0 ? pipe(pair) : kind % 4 == 1 ? socketpair(AF_UNIX, SOCK_STREAM, 0, pair)
			   : kind % 4 == 2 ? memfd_create("bomb", 0) : eventfd(0, 0);

		if (result < 0)
			break;
	}
}

static void open_in_processes(void)
{
	int ready[2];
	char byte;

	if (pipe(ready) < 0)
		exit(1);
	for (int i = 0; i < FILE_PROCESSES; i++) {
		if (fork() != 0)
			continue;
		arm();
		open_for_ever();
		if (write(ready[1], "x", 1) == 1)
			wait_for_ever(NULL);
		_exit(1);
	}
	for (int i = 0; i < FILE_PROCESSES; i++)
		if (read(ready[0], &byte, 1) != 1)
			exit(1);
	say_full();
	wait_for_ever(NULL);
}

int main(int argc, char **argv)
{
	struct rlimit limit = { MOST_PROCESSES, MOST_PROCESSES };
	struct timespec now;

	if (argc != 3)
		return 2;
	clock_gettime(CLOCK_MONOTONIC, &now);
	end = now.tv_sec + atoi(argv[2]);
	arm();
	/* A bound that does not depend on what is tested here. */
	struct rlimit present;
	if (getrlimit(RLIMIT_NPROC, &present) == 0 && (present.rlim_max == RLIM_INFINITY || present.rlim_max > limit.rlim_max))
		setrlimit(RLIMIT_NPROC, &limit);
	if (strcmp(argv[1], "forks") == 0) {
		go_deaf();
		fork_for_ever(1);
	}
	if (strcmp(argv[1], "threads") == 0)
		thread_for_ever();
	if (strcmp(argv[1], "files") == 0)
		open_in_processes();
	if (strcmp(argv[1], "spin") == 0) {
		say_full();
		for (;;)
			end_if_over();
	}
	return 2;
}
