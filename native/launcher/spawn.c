#include "launcher/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "lib/fd.h"
#include "lib/syscalls.h"

enum { CHILD_STACK_SIZE = 32768, MONITOR_SOCKET = 3, MONITOR_PROGRAM = 4 };

struct child {
	int program;
	int minimal_mounts;
	int socket;
	int null;
	int number;   /* errno of what failed; the child shares our memory */
};

/*
 * The child of a vfork: it shares our memory, and we are stopped until it has executed or exited, so it only makes system calls and writes to
 * its own `struct child`. It has its own descriptors, signal actions and (no CLONE_FS) root and working directory; the latter is what setns() to a
 * mount namespace asks for.
 */
static int child_main(void *argument)
{
	struct child *child = argument;
	char *const arguments[] = { "monitor", MONITOR_WITHOUT_CONTAINER, NULL };
	char *const environment[] = { NULL };
	sigset_t none;

	sigemptyset(&none);
	if (setns(child->minimal_mounts, CLONE_NEWNS) < 0 || setsid() < 0)
		goto failed;
	/* Above all numbers that are given out below, so that none of the three is overwritten before its turn. */
	int socket = fcntl(child->socket, F_DUPFD_CLOEXEC, 16), program = fcntl(child->program, F_DUPFD_CLOEXEC, 16);

	if (socket < 0 || program < 0 || dup2(child->null, 0) < 0 || dup2(child->null, 1) < 0 || dup2(child->null, 2) < 0 ||
	    dup2(socket, MONITOR_SOCKET) < 0 || dup3(program, MONITOR_PROGRAM, O_CLOEXEC) < 0 ||
	    close_fds(MONITOR_PROGRAM + 1, ~0U) < 0)
		goto failed;
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	syscall(SYS_execveat, MONITOR_PROGRAM, "", arguments, environment, AT_EMPTY_PATH);
failed:
	child->number = errno;
	_exit(127);
}

int spawn_monitor(int program, int minimal_mounts, pid_t *ret_pid, int *ret_socket, struct error *err)
{
	static _Alignas(16) char stack[CHILD_STACK_SIZE];
	static int null = -1;
	int pair[2];

	if (null < 0 && (null = open("/dev/null", O_RDWR | O_CLOEXEC)) < 0)
		return error_set(err, errno, "/dev/null");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return error_set(err, errno, "socketpair");
	_cleanup_close_ int ours = pair[0];
	_cleanup_close_ int theirs = pair[1];

	if (fd_set_nonblocking(theirs, false, err) < 0)
		return -1;
	struct child child = { .program = program, .minimal_mounts = minimal_mounts, .socket = theirs, .null = null };
	pid_t pid = clone(child_main, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, &child);

	if (pid < 0)
		return error_set(err, errno, "clone");
	if (child.number != 0) {
		waitpid(pid, NULL, 0);
		return error_set(err, child.number, "monitor");
	}
	*ret_pid = pid;
	*ret_socket = steal_fd(&ours);
	return 0;
}
