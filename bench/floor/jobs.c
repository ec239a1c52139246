/*
 * Jobs: PID 1 makes two pipes, hands their read ends over, forks the job and reports its status. A job is a static `true`, or bash
 * with the script `true` as a seekable file on standard input (../../docs/adr/0005-script-on-memfd.md).
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "floor/floor.h"
#include "lib/fd.h"
#include "lib/syscalls.h"

static const char script[] = "true\n";
static char *const bash_argv[] = { "/bin/bash", NULL };

/* What a job of the product finds, so that bash loads the same locale. */
static char *const *job_environment(void)
{
	static char lang[64] = "LANG=en_US.UTF-8";
	static char *environment[] = { lang, "HOME=/", "USER=vcap", "PATH=/bin:/usr/bin", NULL };
	const char *own = getenv("LANG");

	if (own != NULL && strlen(own) < sizeof(lang) - 6)
		strcpy(lang + 5, own);
	return environment;
}

static int open_script(bool from_pipe)
{
	int ends[2];

	if (from_pipe) {
		if (pipe2(ends, O_CLOEXEC) < 0)
			return -1;
		ssize_t written = write(ends[1], script, sizeof(script) - 1);

		close(ends[1]);
		return written < 0 ? close_fd(ends[0]) : ends[0];
	}
	int memory = memfd_create("script", MFD_CLOEXEC);

	if (memory < 0 || write(memory, script, sizeof(script) - 1) < 0 || lseek(memory, 0, SEEK_SET) < 0)
		return close_fd(memory);
	return memory;
}

/* Raw calls: the C library's would touch the memory that a vfork shares. */
static void become_job_user(void)
{
	if (syscall(SYS_setgroups, 0, NULL) < 0 || syscall(SYS_setresgid, FLOOR_JOB_UID, FLOOR_JOB_UID, FLOOR_JOB_UID) < 0 ||
	    syscall(SYS_setresuid, FLOOR_JOB_UID, FLOOR_JOB_UID, FLOOR_JOB_UID) < 0)
		_exit(126);
}

double jobs_time_bash(bool from_pipe)
{
	char *const *environment = job_environment();
	_cleanup_close_ int standard_input = open_script(from_pipe);
	_cleanup_close_ int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int status = -1;
	double begin = now_us();

	if (standard_input < 0 || null < 0)
		return -1;
	pid_t pid = vfork();

	if (pid == 0) {
		if (dup2(standard_input, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
			_exit(126);
		execve(bash_argv[0], bash_argv, environment);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
		return -1;
	return now_us() - begin;
}

static _Noreturn void be_job(enum control kind, int true_fd, int standard_input, const int *out, const int *errors)
{
	static char *const true_argv[] = { "true", NULL };
	char *const *environment = job_environment();

	if ((standard_input >= 0 && dup2(standard_input, 0) < 0) || dup2(out[1], 1) < 0 || dup2(errors[1], 2) < 0)
		_exit(126);
	setsid();
	become_job_user();
	if (kind == CONTROL_TRUE)
		syscall(SYS_execveat, true_fd, "", true_argv, environment, AT_EMPTY_PATH);
	else
		execve(bash_argv[0], bash_argv, environment);
	_exit(127);
}

static int serve_job(int control_fd, int true_fd, enum control kind, struct error *err)
{
	struct control_packet packet = { .kind = CONTROL_RUNNING };
	int out[2] = { -1, -1 }, errors[2] = { -1, -1 }, status;
	_cleanup_close_ int standard_input = kind == CONTROL_BASH ? open_script(false) : -1;

	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(errors, O_CLOEXEC) < 0)
		return error_set(err, errno, "pipe");
	pid_t pid = fork();

	if (pid < 0)
		return error_set(err, errno, "fork");
	if (pid == 0)
		be_job(kind, true_fd, standard_input, out, errors);
	close(out[1]);
	close(errors[1]);
	if (control_send(control_fd, &packet, (int[]){ out[0], errors[0] }, 2, err) < 0)
		return -1;
	close(out[0]);
	close(errors[0]);
	if (waitpid(pid, &status, 0) < 0)
		return error_set(err, errno, "wait for the job");
	packet = (struct control_packet){ .kind = CONTROL_ENDED, .status = status };
	return control_send(control_fd, &packet, NULL, 0, err);
}

static int serve_timed(int control_fd, struct error *err)
{
	struct control_packet packet = { .kind = CONTROL_ENDED, .exec_us = jobs_time_bash(false) };

	return packet.exec_us < 0 ? error_set(err, ENOEXEC, "bash") : control_send(control_fd, &packet, NULL, 0, err);
}

void jobs_serve(int control_fd, int true_fd)
{
	for (;;) {
		struct control_packet request;
		struct error err = { 0 };
		int served;

		if (control_receive(control_fd, &request, NULL, 0, NULL, &err) < 0) {
			/* The socket has a receive time-out for set-up; a container without work just waits on. */
			if (err.number == ETIMEDOUT)
				continue;
			_exit(0);
		}
		served = request.kind == CONTROL_TIMED_BASH ? serve_timed(control_fd, &err)
			: serve_job(control_fd, true_fd, (enum control)request.kind, &err);
		if (served < 0) {
			struct control_packet failed = { .kind = CONTROL_FAILED, .status = err.number };

			memcpy(failed.text, err.detail, sizeof(failed.text) - 1);
			if (control_send(control_fd, &failed, NULL, 0, &err) < 0)
				_exit(1);
		}
	}
}
