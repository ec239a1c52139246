#include "iomux/program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/packet-pipe.h"
#include "lib/syscalls.h"
#include "lib/wire.h"

/* As shells have them. */
enum { NOT_EXECUTABLE = 126, NOT_FOUND = 127 };

struct ends {
	int go;
	int executed;
	int output;
	int error;
};

static noreturn void child_run(char *const *arguments, const sigset_t *mask, const struct ends *ends)
{
	char told;

	setsid();
	if (dup2(ends->output, 1) < 0 || dup2(ends->error, 2) < 0 || read(ends->go, &told, 1) != 1)
		_exit(NOT_EXECUTABLE);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(arguments[0], arguments);
	int number = errno;
	ssize_t ignored = write(ends->executed, &number, sizeof(number));

	(void)ignored;
	dprintf(2, "iomux-spawn: %s: %s\n", arguments[0], strerror(number));
	_exit(number == ENOENT ? NOT_FOUND : NOT_EXECUTABLE);
}

static int open_pipes(int ret_fds[4], int go[2], int executed[2], struct error *err)
{
	for (int i = 0; i < 2; i++) {
		int ends[2];
		int result = packet_pipe_open(ends, err);

		ret_fds[i] = ends[0];
		ret_fds[i + 2] = ends[1];
		if (result < 0)
			return -1;
	}
	if (pipe2(go, O_CLOEXEC) < 0 || pipe2(executed, O_CLOEXEC) < 0)
		return error_set(err, errno, "pipe");
	return 0;
}

int program_start(struct program *program, char *const *arguments, const sigset_t *mask, int ret_fds[4], struct error *err)
{
	int go[2] = { -1, -1 }, executed[2] = { -1, -1 };

	*program = (struct program){ .pid = -1, .pidfd = -1, .go = -1, .executed = -1 };
	for (int i = 0; i < 4; i++)
		ret_fds[i] = -1;
	if (open_pipes(ret_fds, go, executed, err) < 0)
		return -1;
	pid_t pid = fork();

	if (pid < 0)
		return error_set(err, errno, "fork");
	if (pid == 0) {
		/* Its own copy would keep it from seeing our end. */
		close_fd(go[1]);
		child_run(arguments, mask, &(struct ends){ .go = go[0], .executed = executed[1], .output = ret_fds[2], .error = ret_fds[3] });
	}
	close_fd(go[0]);
	close_fd(executed[1]);
	program->pid = pid;
	program->go = go[1];
	program->executed = executed[0];
	program->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (program->pidfd >= 0)
		return 0;
	error_set(err, errno, "pidfd_open");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return -1;
}

void program_go(struct program *program)
{
	ssize_t ignored = write(program->go, "", 1);

	(void)ignored;   /* it may have been killed */
	program->go = close_fd(program->go);
}

int program_read_result(struct program *program)
{
	struct error ignored;
	int number = 0;

	/* Both ends and writes come before the process ends or goes on: this does not wait. */
	if (fd_read_exactly(program->executed, &number, sizeof(number), INT64_MAX, &ignored) < 0)
		number = 0;
	program->executed = close_fd(program->executed);
	return number;
}

void program_signal(const struct program *program, int signal)
{
	/* It may not have made its session yet. */
	if (kill(-program->pid, signal) < 0)
		kill(program->pid, signal);
}

void program_reap(struct program *program, uint32_t *ret_kind, uint32_t *ret_value)
{
	siginfo_t info = { 0 };

	*ret_kind = EXIT_LOST;
	*ret_value = 0;
	if (waitid(P_PIDFD, (id_t)program->pidfd, &info, WEXITED) == 0) {
		*ret_kind = info.si_code == CLD_EXITED ? EXIT_EXITED : EXIT_SIGNALLED;
		*ret_value = (uint32_t)info.si_status;
	}
	program->go = close_fd(program->go);
}
