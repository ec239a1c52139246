#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/deadline.h"
#include "lib/descendants.h"
#include "test/tap.h"

enum { PATIENCE_MS = 10000 };

/* Says that it is there, and stays until it is killed, or everybody who could is gone. */
_Noreturn static void stay(int said, int end)
{
	char byte = 'x';

	if (write(said, &byte, 1) != 1)
		_exit(1);
	if (read(end, &byte, 1) < 0)
		_exit(1);
	_exit(0);
}

static void await(int said, int count)
{
	char byte;

	for (int i = 0; i < count; i++)
		if (read(said, &byte, 1) != 1)
			abort();
}

/* Everybody that is ours by now: how many there were. */
static int reap(void)
{
	int count = 0;

	while (waitpid(-1, NULL, 0) > 0)
		count++;
	return count;
}

static int ends[2];

static void *stay_on(void *said)
{
	stay(*(int *)said, ends[0]);
}

/* Its first thread ends, which is all that /proc tells of by its state. */
static void check_first_thread(int said_by[2])
{
	struct error err;
	pid_t child = fork();

	if (child == 0) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, stay_on, &said_by[1]) != 0)
			_exit(1);
		syscall(SYS_exit, 0);
	}
	await(said_by[0], 1);
	siginfo_t info = { 0 };
	char path[64], text[256] = "";

	snprintf(path, sizeof(path), "/proc/%d/stat", child);
	/* Nobody is told of a thread's end. */
	for (int64_t deadline = deadline_in_ms(PATIENCE_MS); strstr(text, ") Z ") == NULL && deadline_remaining_ms(deadline) > 0;) {
		FILE *file = fopen(path, "r");

		if (file == NULL || fgets(text, sizeof(text), file) == NULL)
			abort();
		fclose(file);
	}
	CHECK(strstr(text, ") Z ") != NULL && waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG) == 0 && info.si_pid == 0, "a process lives on without its first thread");
	CHECK(descendants_signal(getpid(), 0, &err) == 1, "and is found");
	CHECK(descendants_kill(getpid(), deadline_in_ms(PATIENCE_MS), &err) == 0 && waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG) == 0 && info.si_pid == child, "and killed");
	if (info.si_pid != child)
		kill(child, SIGKILL);
}

int main(void)
{
	struct error err;
	int said[2], end[2];
	pid_t self = getpid();

	if (pipe2(said, O_CLOEXEC) < 0 || pipe2(end, O_CLOEXEC) < 0)
		return 1;
	CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0, "we become the parent of all that is left");
	CHECK(descendants_signal(self, 0, &err) == 0, "nobody is below us at first");

	pid_t leader = fork();

	if (leader == 0) {
		setsid();
		/* One of the session, one that has left it, and one whose parent has gone and which has left it. */
		if (fork() == 0)
			stay(said[1], end[0]);
		if (fork() == 0) {
			setsid();
			stay(said[1], end[0]);
		}
		pid_t gone = fork();

		if (gone == 0) {
			if (fork() == 0) {
				setsid();
				stay(said[1], end[0]);
			}
			_exit(0);
		}
		waitpid(gone, NULL, 0);
		stay(said[1], end[0]);
	}
	pid_t other = fork();

	if (other == 0) {
		/* A name is anybody's to choose, and stands before the fields that count. */
		prctl(PR_SET_NAME, ") Z 1 1 1 1");
		stay(said[1], end[0]);
	}
	await(said[0], 5);
	CHECK(descendants_signal(self, 0, &err) == 5, "children, grandchildren and orphans are all found");
	CHECK(descendants_signal_session(self, leader, 0, &err) == 3, "of the session: its leader, who is in it, and who descends from those; not who has lost both");
	CHECK(descendants_signal(other, 0, &err) == 0, "below one that has no children there is nobody");
	CHECK(descendants_kill_session(self, leader, deadline_in_ms(PATIENCE_MS), &err) == 0, "the session is killed");
	CHECK(kill(other, 0) == 0 && descendants_signal(self, 0, &err) == 2, "the others live on, and the dead ones that nobody has waited for count no more");
	CHECK(descendants_kill(self, deadline_in_ms(PATIENCE_MS), &err) == 0, "all are killed");
	CHECK(reap() >= 2 && waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD, "nobody is left");
	if (pipe2(ends, O_CLOEXEC) < 0)
		return 1;
	check_first_thread(said);
	return tap_end();
}
