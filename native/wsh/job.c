/*
 * A job starts in a child that shares wshd's memory until it executes its program (CLONE_VM | CLONE_VFORK): 60 us instead of 130, and errors
 * come back in memory. So the child calls nothing that keeps state in the C library, and wshd stands still meanwhile.
 *
 * Nobody can use the shared memory: from the moment the child changes its user the memory is not dumpable (commit_creds), so jobs of
 * the same user cannot trace it; execution gives it memory of its own.
 */
#include "wsh/job.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lib/fd.h"
#include "lib/syscalls.h"
#include "wsh/core-limit.h"
#include "wsh/job-identity.h"

enum { CHILD_STACK_SIZE = 64 << 10 };

struct start {
	const struct wshd *wshd;
	const struct run_request *request;
	const struct job_streams *streams;
	int cgroup;
	struct job_clamps *clamps;
	struct error *err;
};

static int join_cgroup(int cgroup, struct error *err)
{
	err->step = "join job cgroup";
	if (cgroup >= 0 && write(cgroup, "0", 1) < 0)
		return error_set(err, errno, "write to its tasks");
	return 0;
}

static int take_streams(const struct job_streams *streams, struct error *err)
{
	err->step = "set up streams";
	if (setsid() < 0)
		return error_set(err, errno, "setsid");
	if (dup2(streams->input, STDIN_FILENO) < 0 || dup2(streams->output, STDOUT_FILENO) < 0 || dup2(streams->error, STDERR_FILENO) < 0)
		return error_set(err, errno, "dup2");
	if (streams->terminal && ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0)
		return error_set(err, errno, "make the terminal the controlling one");
	if (close_fds(3, ~0u) < 0)
		return error_set(err, errno, "close descriptors");
	return 0;
}

static int set_limit(const struct wshd *wshd, uint32_t resource, const struct rlimit *limit)
{
	return resource == RLIMIT_CORE ? core_limit_set(wshd, limit) : setrlimit((int)resource, limit);
}

/* A soft limit above the hard one is lowered to it. */
static int limit_resource(const struct wshd *wshd, const struct run_rlimit *wanted, struct job_clamps *clamps, struct error *err)
{
	struct rlimit current, limit = { .rlim_cur = wanted->soft, .rlim_max = wanted->hard };

	if (limit.rlim_cur > limit.rlim_max)
		limit.rlim_cur = limit.rlim_max;
	if (set_limit(wshd, wanted->resource, &limit) == 0)
		return 0;
	/* Raising a hard limit needs CAP_SYS_RESOURCE outside of every user namespace: stay at the one we have. */
	if (errno != EPERM || getrlimit((int)wanted->resource, &current) < 0)
		return error_set(err, errno, "resource %u", wanted->resource);
	limit.rlim_max = current.rlim_max;
	if (limit.rlim_cur > limit.rlim_max)
		limit.rlim_cur = limit.rlim_max;
	if (set_limit(wshd, wanted->resource, &limit) < 0)
		return error_set(err, errno, "resource %u, lowered to %llu", wanted->resource, (unsigned long long)limit.rlim_max);
	/* Off is off, whether it is done by 1 or, where even that may not be set, by 0. */
	if (wanted->resource != RLIMIT_CORE || wanted->hard > CORE_LIMIT_OFF)
		clamps->limits[clamps->count++] = (struct run_rlimit){ wanted->resource, limit.rlim_cur, limit.rlim_max };
	return 0;
}

/* All but that of descriptors, of which entering a directory needs one more; that is set afterwards. */
static int limit_resources(const struct wshd *wshd, const struct run_request *request, bool descriptors, struct job_clamps *clamps, struct error *err)
{
	err->step = "set resource limits";
	for (size_t i = 0; i < request->rlimit_count; i++)
		if ((request->rlimits[i].resource == RLIMIT_NOFILE) == descriptors && limit_resource(wshd, &request->rlimits[i], clamps, err) < 0)
			return -1;
	return 0;
}

/* As the job's user, without following /proc's links into descriptors; where that is not possible the job starts in the root, or not at all. */
static int enter_directory(const struct wshd *wshd, const struct run_request *request, struct error *err)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int directory = -1;

	err->step = "enter directory";
	/* The key: set-id-filter.h. */
	if (request->working_directory != NULL)
		directory = (int)syscall(SYS_openat2, AT_FDCWD, request->working_directory, &how, sizeof(how), wshd->core_key[0], wshd->core_key[1]);
	if (directory >= 0 && fchdir(directory) == 0) {
		close_fd(directory);
		return 0;
	}
	if (request->require_directory && request->working_directory != NULL)
		return error_set(err, errno, "%s", request->working_directory);
	close_fd(directory);
	return chdir("/") < 0 ? error_set(err, errno, "/") : 0;
}

static int reset_signals(struct error *err)
{
	sigset_t none;

	err->step = "reset signals";
	sigemptyset(&none);
	/* wshd handles no signal, and ignores none; it only blocks them. */
	if (sigprocmask(SIG_SETMASK, &none, NULL) < 0)
		return error_set(err, errno, "sigprocmask");
	return 0;
}

static const char *search_path(const struct run_request *request)
{
	for (size_t i = 0; i < request->environment.count; i++)
		if (strncmp(request->environment.items[i], "PATH=", 5) == 0)
			return request->environment.items[i] + 5;
	return "/bin:/usr/bin";
}

static int execute(const struct run_request *request, struct error *err)
{
	char *const *arguments = request->arguments.items;
	const char *program = arguments[0];
	int number = ENOENT;

	err->step = "execute program";
	if (strchr(program, '/') != NULL) {
		execve(program, arguments, request->environment.items);
		return error_set(err, errno, "%s", program);
	}
	for (const char *at = search_path(request); *at != '\0';) {
		size_t length = strcspn(at, ":");
		char path[RUN_MAX_PATH];
		int size = snprintf(path, sizeof(path), "%.*s/%s", (int)length, length == 0 ? "." : at, program);

		if (length == 0)
			size = snprintf(path, sizeof(path), "./%s", program);
		if (size > 0 && (size_t)size < sizeof(path)) {
			execve(path, arguments, request->environment.items);
			if (errno != ENOENT && errno != ENOTDIR)
				number = errno;
			if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
				break;
		}
		at += length;
		if (*at == ':')
			at++;
	}
	return error_set(err, number, "%s", program);
}

static int run_child(void *argument)
{
	struct start *start = argument;
	const struct run_request *request = start->request;
	struct error *err = start->err;

	if (join_cgroup(start->cgroup, err) == 0 && take_streams(start->streams, err) == 0 &&
	    limit_resources(start->wshd, request, false, start->clamps, err) == 0) {
		umask(022);
		err->step = "assume identity";
		if (identity_assume(request->uid, request->gid, request->privileged, start->wshd, err) == 0 &&
		    enter_directory(start->wshd, request, err) == 0 && limit_resources(start->wshd, request, true, start->clamps, err) == 0 && reset_signals(err) == 0)
			execute(request, err);
	}
	_exit(127);
}

int job_start(const struct wshd *wshd, const struct run_request *request, const struct job_streams *streams, int cgroup, pid_t *ret_pid,
	      struct job_clamps *ret_clamps, struct error *err)
{
	static char stack[CHILD_STACK_SIZE] __attribute__((aligned(16)));
	struct start start = { wshd, request, streams, cgroup, ret_clamps, err };

	ret_clamps->count = 0;
	err->number = 0;
	err->step = "start job";
	/* Stands still until the child has executed its program or exited. The stack grows down. */
	pid_t pid = clone(run_child, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, &start);
	if (pid < 0)
		return error_set(err, errno, "clone");
	if (err->number != 0) {
		/* It failed before it was a job: reap it here. */
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		return -1;
	}
	*ret_pid = pid;
	return 0;
}
