/* The program that iomux-spawn runs: a process that waits to be told, with its output caught by two pipes. */
#ifndef WARDEN_IOMUX_PROGRAM_H
#define WARDEN_IOMUX_PROGRAM_H

#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/error.h"

struct program {
	pid_t pid;
	int pidfd;
	int go;         /* -1: it has been told */
	int executed;   /* read end: nothing and the end, or the errno of execve; -1: known */
};

/*
 * Forks. The process is the leader of a session and waits until program_go(); when we die before that it ends. ret_fds: read end of stdout, of stderr,
 * write ends of both, as the monitor gets them of wshd. `mask`: its signal mask.
 */
int program_start(struct program *program, char *const *arguments, const sigset_t *mask, int ret_fds[4], struct error *err);
void program_go(struct program *program);
/* 0: it has been executed; else the errno of why not. */
int program_read_result(struct program *program);
/* To the session's process group, and to the process alone before it is a program. */
void program_signal(const struct program *program, int signal);
/* It has ended: EXIT_EXITED or EXIT_SIGNALLED of wire.h, and status or signal. */
void program_reap(struct program *program, uint32_t *ret_kind, uint32_t *ret_value);

#endif
