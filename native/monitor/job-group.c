#include "monitor/job-group.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/fd.h"
#include "lib/syscalls.h"

#define PREPARED_NAME "next-job"
#define MAX_PROCS_FILE (1u << 20)

static void name_group(struct job_group *group, uint32_t job_id)
{
	snprintf(group->name, sizeof(group->name), "job-%u", job_id);
}

/* group->name says which; it is taken away when there is none in the end. One that is left over from before is taken. */
static int make_group(const struct cgroup *parent, struct job_group *group, int *ret_join, struct error *err)
{
	if (mkdirat(parent->directory, group->name, 0755) < 0 && errno != EEXIST) {
		error_set(err, errno, "cgroup %s", group->name);
		group->name[0] = '\0';
		return -1;
	}
	group->directory = openat(parent->directory, group->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (group->directory >= 0)
		*ret_join = openat(group->directory, parent->version == 1 ? "tasks" : "cgroup.procs", O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (*ret_join >= 0)
		return 0;
	error_set(err, errno, "cgroup %s", group->name);
	group->directory = close_fd(group->directory);
	unlinkat(parent->directory, group->name, AT_REMOVEDIR);
	group->name[0] = '\0';
	return -1;
}

int job_group_make(const struct cgroups *cgroups, uint32_t job_id, struct job_group *ret_group, int *ret_join, struct error *err)
{
	*ret_join = -1;
	*ret_group = (struct job_group){ .directory = -1 };
	if (cgroups->job_parent < 0)
		return 0;
	name_group(ret_group, job_id);
	return make_group(&cgroups->items[cgroups->job_parent], ret_group, ret_join, err);
}

bool job_group_is_prepared(const struct job_group *group)
{
	return strcmp(group->name, PREPARED_NAME) == 0;
}

int job_group_prepare(const struct cgroups *cgroups, struct job_group *ret_group, int *ret_join, struct error *err)
{
	*ret_join = -1;
	*ret_group = (struct job_group){ .directory = -1, .name = PREPARED_NAME };
	if (cgroups->job_parent >= 0 && cgroups->items[cgroups->job_parent].version == 1)
		return make_group(&cgroups->items[cgroups->job_parent], ret_group, ret_join, err);
	ret_group->name[0] = '\0';
	return error_set(err, ENOTSUP, "no group that can be renamed");
}

int job_group_rename(const struct cgroups *cgroups, struct job_group *group, uint32_t job_id)
{
	int parent = cgroups->items[cgroups->job_parent].directory;
	struct job_group renamed = *group;

	name_group(&renamed, job_id);
	if (renameat(parent, group->name, parent, renamed.name) < 0)
		return -1;
	*group = renamed;
	return 0;
}

int job_group_reuse(const struct cgroups *cgroups, struct job_group *group, int *join)
{
	/* In a nested container a job makes groups of its own there. */
	if (group->directory < 0 || group->frozen || cgroups->nested || cgroups->items[cgroups->job_parent].version != 1)
		return -1;
	int parent = cgroups->items[cgroups->job_parent].directory;

	if (*join < 0 && (*join = openat(group->directory, "tasks", O_WRONLY | O_CLOEXEC | O_NOFOLLOW)) < 0)
		return -1;
	if (!job_group_is_prepared(group) && renameat(parent, group->name, parent, PREPARED_NAME) < 0)
		return -1;
	snprintf(group->name, sizeof(group->name), "%s", PREPARED_NAME);
	return 0;
}

/* proc_pid_stat(5): the state stands behind the last parenthesis of the name. */
static bool is_stopped(pid_t pid)
{
	char path[32], text[512];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (size < 0)
		return false;
	text[size] = '\0';
	const char *end = strrchr(text, ')');

	return end != NULL && end[1] == ' ' && (end[2] == 'T' || end[2] == 't');
}

/*
 * A number in a list may belong to another process by the time it is used, so the signal goes by a descriptor, and only when the
 * number leads into the container's PID namespace after that was opened: if it has been given away before, the check
 * fails, and if later, the descriptor's process is dead.
 */
static bool signal_inside(const struct cgroups *cgroups, pid_t pid, int signal, bool only_stopped)
{
	_cleanup_close_ int process = sys_pidfd_open(pid, 0);
	char path[48];
	struct stat status;

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", pid);
	if (process < 0 || stat(path, &status) < 0 || status.st_ino != cgroups->pid_namespace.st_ino || status.st_dev != cgroups->pid_namespace.st_dev)
		return false;
	if (only_stopped && !is_stopped(pid))
		return false;
	sys_pidfd_send_signal(process, signal);
	return true;
}

/* `spared` is left alone; 0: nobody. Returns how many of the container there were. */
static int signal_listed(const struct cgroups *cgroups, int directory, int signal, pid_t spared, bool only_stopped, struct error *err)
{
	_cleanup_close_ int fd = openat(directory, "cgroup.procs", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	_cleanup_free_ char *text = NULL;
	size_t size;
	int count = 0;

	if (fd < 0)
		return error_set(err, errno, "cgroup.procs");
	if (fd_read_file(fd, MAX_PROCS_FILE, &text, &size, err) < 0)
		return -1;
	for (char *line = text, *end; *line != '\0'; line = end + 1) {
		long pid = strtol(line, &end, 10);

		if (end == line || *end != '\n')
			return error_set(err, EBADMSG, "cgroup.procs");
		/* 0 is a process that the monitor's pid namespace does not know. */
		if (pid > 0 && (pid_t)pid != spared)
			count += signal_inside(cgroups, (pid_t)pid, signal, only_stopped);
	}
	return count;
}

static bool is_populated(int directory)
{
	_cleanup_close_ int fd = openat(directory, "cgroup.events", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	_cleanup_free_ char *text = NULL;
	size_t size;
	struct error ignored;

	return fd >= 0 && fd_read_file(fd, 4096, &text, &size, &ignored) == 0 && strstr(text, "populated 0") == NULL;
}

int job_group_signal(const struct cgroups *cgroups, struct job_group *group, int signal, struct error *err)
{
	struct error ignored;

	if (group->directory < 0)
		return error_set(err, ENOENT, "the job has no cgroup");
	if (signal != SIGKILL)
		return signal_listed(cgroups, group->directory, signal, 0, false, err);
	if (cgroups->items[cgroups->job_parent].version == 2 && fd_write_file_at(group->directory, "cgroup.kill", "1", 1, &ignored) == 0)
		return is_populated(group->directory);
	/* Frozen, nothing forks; the signal takes effect at the thaw. Writing FROZEN does not wait, so a fork in flight may
	 * need another pass: the caller repeats until there is no process. */
	group->frozen = true;
	bool frozen = fd_write_file_at(group->directory, "freezer.state", "FROZEN", 6, &ignored) == 0;
	int count = signal_listed(cgroups, group->directory, signal, 0, false, err);

	if (frozen)
		fd_write_file_at(group->directory, "freezer.state", "THAWED", 6, &ignored);
	return count;
}

void job_group_kill_stopped(const struct cgroups *cgroups, const struct job_group *group)
{
	struct error ignored;

	if (group->directory >= 0)
		signal_listed(cgroups, group->directory, SIGKILL, 0, true, &ignored);
}

void job_groups_kill_unjoined(const struct cgroups *cgroups, pid_t init, bool only_stopped)
{
	struct error ignored;

	if (cgroups->job_parent < 0)
		return;
	const struct cgroup *group = &cgroups->items[cgroups->job_parent];
	_cleanup_close_ int below = cgroups->nested && group->version == 2 ? cgroups_open_own(cgroups, group) : -1;

	signal_listed(cgroups, below >= 0 ? below : group->directory, SIGKILL, init, only_stopped, &ignored);
}

int job_group_remove(const struct cgroups *cgroups, struct job_group *group, struct error *err)
{
	if (group->name[0] == '\0' || cgroups->job_parent < 0 || (size_t)cgroups->job_parent >= cgroups->count)
		return 0;
	if (unlinkat(cgroups->items[cgroups->job_parent].directory, group->name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return error_set(err, errno, "cgroup %s", group->name);
	group->name[0] = '\0';
	group->directory = close_fd(group->directory);
	return 0;
}
