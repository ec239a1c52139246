#include "monitor/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/deadline.h"
#include "lib/fd.h"
#include "lib/syscalls.h"
#include "monitor/nested.h"

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

static int make(struct cgroups *cgroups, const struct description *description, bool v2, struct error *err)
{
	for (size_t i = 0; i < cgroups->count; i++) {
		const struct cgroup_description *wanted = &description->cgroups[i];
		struct cgroup *cgroup = &cgroups->items[i];

		if ((wanted->version == 2) != v2)
			continue;
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

int cgroups_begin(struct cgroups *cgroups, const struct description *description, int *parents, struct error *err)
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
	}
	return make(cgroups, description, true, err);
}

int cgroups_make(struct cgroups *cgroups, const struct description *description, struct error *err)
{
	return make(cgroups, description, false, err);
}

size_t cgroups_list_tasks(const struct cgroups *cgroups, int *ret_tasks)
{
	size_t count = 0;

	for (size_t i = 0; i < cgroups->count; i++)
		if (cgroups->items[i].tasks >= 0)
			ret_tasks[count++] = cgroups->items[i].tasks;
	return count;
}

int cgroups_join(const struct description *description, const int *tasks, size_t count, struct error *err)
{
	size_t joined = 0;

	for (size_t i = 0; i < description->cgroup_count; i++) {
		if (description->cgroups[i].version != 1)
			continue;
		if (joined == count)
			return error_set(err, EPROTO, "%zu cgroups to join", count);
		if (write(tasks[joined++], "0", 1) != 1)
			return error_set(err, errno, "tasks of cgroup %zu, %s", i, description->cgroups[i].path);
	}
	return joined == count ? 0 : error_set(err, EPROTO, "%zu cgroups to join", count);
}

int cgroups_v2_directory(const struct cgroups *cgroups)
{
	for (size_t i = 0; i < cgroups->count; i++)
		if (cgroups->items[i].version == 2)
			return cgroups->items[i].directory;
	return -1;
}

int cgroups_open_own(const struct cgroups *cgroups, const struct cgroup *cgroup)
{
	char name[NAME_MAX + sizeof("/" NESTED_INIT_GROUP)];

	snprintf(name, sizeof(name), "%s%s", cgroup->name, cgroups->nested && cgroup->version == 2 ? "/" NESTED_INIT_GROUP : "");
	return openat(cgroup->parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

int cgroups_open_v2(const struct cgroups *cgroups)
{
	for (size_t i = 0; i < cgroups->count; i++)
		if (cgroups->items[i].version == 2)
			return cgroups_open_own(cgroups, &cgroups->items[i]);
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

int cgroups_know_init(struct cgroups *cgroups, pid_t init, struct error *err)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", init);
	return stat(path, &cgroups->pid_namespace) < 0 ? error_set(err, errno, "%s", path) : 0;
}
