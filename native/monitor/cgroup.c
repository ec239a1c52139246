#include "monitor/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/deadline.h"
#include "lib/fd.h"
#include "lib/syscalls.h"
#include "monitor/nested.h"

#define PREPARED_NAME "next-job"
#define MAX_PROCS_FILE (1u << 20)

static int make_one(struct cgroup *cgroup, const struct cgroup_description *description, struct error *err)
{
	if (mkdirat(cgroup->parent, cgroup->name, 0755) < 0)
		return error_set(err, errno, "%s", description->path);
	cgroup->made = true;
	cgroup->directory = openat(cgroup->parent, cgroup->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (cgroup->directory < 0)
		return error_set(err, errno, "%s", description->path);
	for (size_t i = 0; i < description->setting_count; i++) {
		const struct cgroup_setting *setting = &description->settings[i];

		if (fd_write_file_at(cgroup->directory, setting->name, setting->content, setting->size, err) < 0)
			return error_set(err, err->number, "%s/%s: %.*s", description->path, setting->name,
				setting->size > 64 ? 64 : (int)setting->size, (const char *)setting->content);
	}
	if (cgroup->version == 1) {
		cgroup->tasks = openat(cgroup->directory, "tasks", O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
		if (cgroup->tasks < 0)
			return error_set(err, errno, "%s/tasks", description->path);
	}
	return 0;
}

static bool is_memory(const struct cgroup *cgroup)
{
	return faccessat(cgroup->directory, cgroup->version == 1 ? "memory.oom_control" : "memory.events", F_OK, 0) == 0;
}

int cgroups_make(struct cgroups *cgroups, const struct description *description, int *parents, struct error *err)
{
	cgroups->count = 0;
	cgroups->job_parent = -1;
	cgroups->memory = -1;
	cgroups->nested = description->nested;
	for (size_t i = 0; i < description->cgroup_count; i++) {
		const struct cgroup_description *wanted = &description->cgroups[i];
		struct cgroup *cgroup = &cgroups->items[cgroups->count++];

		*cgroup = (struct cgroup){ .parent = steal_fd(&parents[i]), .directory = -1, .tasks = -1, .version = wanted->version };
		cgroup->name = strdup(strrchr(wanted->path, '/') + 1);
		if (cgroup->name == NULL)
			return error_set(err, ENOMEM, "%s", wanted->path);
		if (make_one(cgroup, wanted, err) < 0)
			return -1;
		/* Jobs' groups go to the freezer (cheap to join, cannot be forked away from), else to v2. */
		bool freezer = wanted->version == 1 && faccessat(cgroup->directory, "freezer.state", F_OK, 0) == 0;

		if (freezer || (wanted->version == 2 && cgroups->job_parent < 0))
			cgroups->job_parent = (int)i;
		if (cgroups->memory < 0 && !freezer && is_memory(cgroup))
			cgroups->memory = (int)i;
	}
	return 0;
}

int cgroups_join(const struct cgroups *cgroups, struct error *err)
{
	for (size_t i = 0; i < cgroups->count; i++)
		if (cgroups->items[i].tasks >= 0 && write(cgroups->items[i].tasks, "0", 1) != 1)
			return error_set(err, errno, "tasks of cgroup %zu, %s", i, cgroups->items[i].name);
	return 0;
}

int cgroups_v2_directory(const struct cgroups *cgroups)
{
	for (size_t i = 0; i < cgroups->count; i++)
		if (cgroups->items[i].version == 2)
			return cgroups->items[i].directory;
	return -1;
}

/* Where the container's processes of no job are. */
static int open_own(const struct cgroups *cgroups, const struct cgroup *cgroup)
{
	char name[NAME_MAX + sizeof("/" NESTED_INIT_GROUP)];

	snprintf(name, sizeof(name), "%s%s", cgroup->name, cgroups->nested && cgroup->version == 2 ? "/" NESTED_INIT_GROUP : "");
	return openat(cgroup->parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

int cgroups_open_v2(const struct cgroups *cgroups)
{
	for (size_t i = 0; i < cgroups->count; i++)
		if (cgroups->items[i].version == 2)
			return open_own(cgroups, &cgroups->items[i]);
	errno = ENOENT;
	return -1;
}

int cgroups_join_later(const struct cgroups *cgroups, struct error *err)
{
	for (size_t i = 0; i < cgroups->count; i++) {
		char name[NAME_MAX + sizeof("/tasks")];

		if (cgroups->items[i].version != 1)
			continue;
		snprintf(name, sizeof(name), "%s/tasks", cgroups->items[i].name);
		if (fd_write_file_at(cgroups->items[i].parent, name, "0", 1, err) < 0)
			return -1;
	}
	return 0;
}

void cgroups_close_tasks(struct cgroups *cgroups)
{
	for (size_t i = 0; i < cgroups->count; i++) {
		cgroups->items[i].tasks = close_fd(cgroups->items[i].tasks);
		if (cgroups->job_parent != (int)i && cgroups->memory != (int)i)
			cgroups->items[i].directory = close_fd(cgroups->items[i].directory);
	}
}

int cgroups_watch_memory(struct cgroups *cgroups, struct oom_watch *ret_watch, struct error *err)
{
	*ret_watch = OOM_WATCH_NONE;
	if (cgroups->memory < 0)
		return 0;
	struct cgroup *cgroup = &cgroups->items[cgroups->memory];
	int result = oom_watch_open(ret_watch, cgroup->directory, err);

	if (cgroups->job_parent != cgroups->memory)
		cgroup->directory = close_fd(cgroup->directory);
	return result;
}

static void remove_groups_below(const struct cgroup *cgroup)
{
	_cleanup_close_ int group = openat(cgroup->parent, cgroup->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (group >= 0)
		nested_remove_groups(group);
}

static int remove_one(struct cgroups *cgroups, size_t index, struct error *err)
{
	struct cgroup *cgroup = &cgroups->items[index];

	cgroup->tasks = close_fd(cgroup->tasks);
	cgroup->directory = close_fd(cgroup->directory);
	if (cgroup->made && cgroups->nested)
		remove_groups_below(cgroup);
	if (cgroup->made && unlinkat(cgroup->parent, cgroup->name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return error_set(err, errno, "cgroup %zu, %s", index, cgroup->name);
	cgroup->made = false;
	cgroup->parent = close_fd(cgroup->parent);
	free(cgroup->name);
	cgroup->name = NULL;
	return 0;
}

int cgroups_remove(struct cgroups *cgroups, struct error *err)
{
	int result = 0;

	/* That of the memory controller last: what the kernel does behind it holds cgroup_mutex for milliseconds among a thousand groups (memcg_reparent_list_lrus). */
	for (size_t i = 0; i < cgroups->count; i++)
		if ((int)i != cgroups->memory && remove_one(cgroups, i, err) < 0)
			result = -1;
	if (cgroups->memory >= 0 && (size_t)cgroups->memory < cgroups->count && remove_one(cgroups, (size_t)cgroups->memory, err) < 0)
		result = -1;
	if (result == 0)
		cgroups->count = 0;
	return result;
}

int cgroups_remove_until(struct cgroups *cgroups, int64_t deadline, struct error *err)
{
	for (;;) {
		if (cgroups_remove(cgroups, err) == 0)
			return 0;
		if (err->number != EBUSY || deadline_remaining_ms(deadline) == 0)
			return -1;
		poll(NULL, 0, 1);
	}
}

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

int cgroups_know_init(struct cgroups *cgroups, pid_t init, struct error *err)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", init);
	return stat(path, &cgroups->pid_namespace) < 0 ? error_set(err, errno, "%s", path) : 0;
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

int job_group_signal(const struct cgroups *cgroups, const struct job_group *group, int signal, struct error *err)
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
	_cleanup_close_ int below = cgroups->nested && group->version == 2 ? open_own(cgroups, group) : -1;

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
