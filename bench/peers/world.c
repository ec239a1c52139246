/*
 * A world of its own for another container system, and the stop-watch for its programs.
 *
 * Theory of operation
 *   The program's child is PID 1 of a new pid namespace. It joins the cgroups that it is given and makes new cgroup, mount, network, ipc and uts
 *   namespaces, with a private copy of the mounts. When it is gone, so is everybody who was in these groups. It executes programs as it is told and says how long each took: a program started by Node would cost as much
 *   again as some of those that are measured. It also reaps what daemons leave to PID 1.
 *   When standard input ends, so when whoever started this has ended by whatever means, PID 1 exits, and the kernel ends every process, mount and
 *   link in the world with it. Files and empty cgroups are what is left. PID 1 does not read while it waits for a program that hangs: SIGTERM to this program ends PID 1, and
 *   when this program has ended, everybody in the world has.
 *
 * usage: world CGROUP.PROCS…
 * First line on standard output: the pid of PID 1 as the host sees it. Then commands, one a line on standard input, whose words are separated by tabs:
 *   run OUTPUT PROGRAM ARGUMENT…      waits for its end; answers microseconds and exit status (128 + signal)
 *   start OUTPUT PROGRAM ARGUMENT…    does not wait; answers 0 and 0, or 127 when the program cannot be executed
 * OUTPUT becomes standard output and error of the program, standard input is empty.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/fd.h"

#define MAX_LINE (64 * 1024)
#define MAX_WORDS 256
#define NOT_STARTED 127

static int failed(const char *what)
{
	fprintf(stderr, "world: %s: %s\n", what, strerror(errno));
	return -1;
}

static void on_child(int number)
{
	(void)number; /* only to end ppoll() */
}

/* PID 1, once it is there. */
static volatile pid_t first;

static void on_term(int number)
{
	(void)number;
	kill(first, SIGKILL);
}

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int join_groups(char *const files[], int count)
{
	for (int i = 0; i < count; i++) {
		_cleanup_close_ int fd = open(files[i], O_WRONLY | O_CLOEXEC);

		if (fd < 0 || write(fd, "0", 1) != 1) return failed(files[i]);
	}
	return 0;
}

/* Why the last program could not be executed. The child of vfork() writes it into the memory that it shares with us. */
static volatile int exec_error;

static pid_t start(int output, char *const argv[], const sigset_t *mask)
{
	exec_error = 0;
	pid_t pid = vfork();

	if (pid != 0) return pid;
	/* The parent's memory: only system calls until the exec. */
	int input = open("/dev/null", O_RDONLY);
	setsid();
	if (input >= 0 && dup2(input, 0) == 0 && dup2(output, 1) == 1 && dup2(output, 2) == 2 && sigprocmask(SIG_SETMASK, mask, NULL) == 0) {
		if (input > 2) close(input);
		execvp(argv[0], argv);
	}
	exec_error = errno;
	_exit(NOT_STARTED);
}

/* Until that one has ended; others that end meanwhile are reaped. -1: it has not been there. */
static int wait_for(pid_t pid)
{
	for (;;) {
		int status = 0;
		pid_t ended = waitpid(-1, &status, 0);

		if (ended < 0 && errno != EINTR) return -1;
		if (ended == pid) return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
}

static int obey(char *line, const sigset_t *mask)
{
	char *words[MAX_WORDS + 1] = { NULL };
	size_t count = 0;

	for (char *rest = line, *word; (word = strsep(&rest, "\t")) != NULL && count < MAX_WORDS;) words[count++] = word;
	if (count < 3 || (strcmp(words[0], "run") != 0 && strcmp(words[0], "start") != 0)) {
		errno = EINVAL;
		return failed(line);
	}
	_cleanup_close_ int output = open(words[1], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (output < 0) return failed(words[1]);
	bool waits = strcmp(words[0], "run") == 0;
	double begin = now_us();
	pid_t pid = start(output, words + 2, mask);

	if (pid < 0) return failed("vfork");
	int status = waits || exec_error != 0 ? wait_for(pid) : 0;
	if (exec_error != 0) dprintf(output, "%s\n", strerror(exec_error));
	printf("%.1f %d\n", waits ? now_us() - begin : 0.0, status);
	return fflush(stdout) == 0 ? 0 : failed("answering");
}

static void reap(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0) continue;
}

/* Returns when standard input has ended. */
static int serve(const sigset_t *mask)
{
	static char buffer[MAX_LINE];
	size_t used = 0;

	for (;;) {
		struct pollfd input = { .fd = 0, .events = POLLIN };
		int ready = ppoll(&input, 1, NULL, mask);

		if (ready < 0 && errno != EINTR) return failed("ppoll");
		reap();
		if (ready <= 0) continue;
		ssize_t got = read(0, buffer + used, sizeof(buffer) - used);
		if (got <= 0) return 0;
		used += (size_t)got;
		for (char *end; (end = memchr(buffer, '\n', used)) != NULL;) {
			size_t length = (size_t)(end - buffer) + 1;

			*end = '\0';
			if (obey(buffer, mask) < 0) return -1;
			memmove(buffer, buffer + length, used - length);
			used -= length;
		}
		if (used == sizeof(buffer)) {
			errno = E2BIG;
			return failed("a command");
		}
	}
}

static int first_process(char *const groups[], int count, const sigset_t *mask)
{
	/* A parent that has ended before is no matter: standard input tells it, too. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) return failed("prctl");
	if (join_groups(groups, count) < 0) return -1;
	if (unshare(CLONE_NEWCGROUP | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) < 0) return failed("unshare");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) return failed("making mounts private");
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0) return failed("/proc");
	return serve(mask);
}

int main(int argc, char *argv[])
{
	struct sigaction action = { .sa_handler = on_child }, termination = { .sa_handler = on_term };
	sigset_t blocked, before;
	siginfo_t end;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGCHLD);
	sigaddset(&blocked, SIGTERM);
	if (sigaction(SIGCHLD, &action, NULL) < 0 || sigprocmask(SIG_BLOCK, &blocked, &before) < 0) return failed("signals") < 0;
	if (unshare(CLONE_NEWPID) < 0) return failed("unshare") < 0;
	pid_t pid = fork();
	if (pid < 0) return failed("fork") < 0;
	if (pid == 0) return first_process(argv + 1, argc - 1, &before) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	first = pid;
	if (sigaction(SIGTERM, &termination, NULL) < 0 || sigprocmask(SIG_SETMASK, &before, NULL) < 0) return failed("signals") < 0;
	/* PID 1 answers only to what comes after this line. */
	printf("%d\n", pid);
	if (fflush(stdout) != 0) return failed("answering") < 0;
	while (waitid(P_PID, (id_t)pid, &end, WEXITED | WNOWAIT) < 0)
		if (errno != EINTR) return EXIT_FAILURE;
	/* From here on its number may be another's. */
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	waitpid(pid, NULL, 0);
	return end.si_code == CLD_EXITED ? end.si_status : 128 + end.si_status;
}
