#include "monitor/prepared.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>

#include "lib/deadline.h"
#include "lib/fd.h"
#include "lib/syscalls.h"

void prepared_init(struct prepared *prepared)
{
	*prepared = (struct prepared){ .group = { .directory = -1 }, .join = -1, .script = -1, .input = -1, .last_join = -1 };
}

/* The job gets a description of its own: the sealed file opened for writing must not get out, and its position is nobody else's. */
static int make_script(struct prepared *prepared, struct error *err)
{
	char path[48];
	_cleanup_close_ int file = (int)syscall(SYS_memfd_create, "script", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

	if (file < 0 && errno == EINVAL)   /* before Linux 6.3 */
		file = (int)syscall(SYS_memfd_create, "script", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (file < 0)
		return error_set(err, errno, "memfd");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	prepared->input = open(path, O_RDONLY | O_CLOEXEC);
	if (prepared->input < 0)
		return error_set(err, errno, "script");
	/* With a page that the script is only copied into, be it longer or not. Without one the write makes it. */
	if (pwrite(file, "\n", 1, 0) < 0)
		(void)ftruncate(file, 0);
	prepared->script = steal_fd(&file);
	return 0;
}

void prepared_make_script(struct prepared *prepared)
{
	struct error ignored;

	if (prepared->script < 0)
		make_script(prepared, &ignored);
}

bool prepared_lacks_group(const struct prepared *prepared)
{
	return prepared->group.directory < 0 && !prepared->blocked;
}

void prepared_make_group(struct prepared *prepared, const struct cgroups *cgroups)
{
	struct error problem;

	prepared->last_join = close_fd(prepared->last_join);
	/* With version 2 no later try is of use, and every job would set a timer for one. Whatever else fails may go well the next time. */
	if (prepared_lacks_group(prepared) && job_group_prepare(cgroups, &prepared->group, &prepared->join, &problem) < 0)
		prepared->blocked = problem.number == ENOTSUP;
}

void prepared_keep_join(struct prepared *prepared, uint32_t job_id, int join)
{
	close_fd(prepared->last_join);
	prepared->last_join = join;
	prepared->last_job = job_id;
}

bool prepared_take_back(struct prepared *prepared, const struct cgroups *cgroups, uint32_t job_id, struct job_group *group, bool empty)
{
	_cleanup_close_ int join = job_id == prepared->last_job ? steal_fd(&prepared->last_join) : -1;

	if (!empty || !prepared_lacks_group(prepared) || job_group_reuse(cgroups, group, &join) < 0)
		return false;
	prepared->group = *group;
	prepared->join = steal_fd(&join);
	*group = (struct job_group){ .directory = -1 };
	return true;
}

int prepared_take_group(struct prepared *prepared, const struct cgroups *cgroups, uint32_t job_id, struct job_group *ret_group, int *ret_join, struct error *err)
{
	if (prepared->group.directory >= 0) {
		*ret_group = prepared->group;
		*ret_join = steal_fd(&prepared->join);
		prepared->group = (struct job_group){ .directory = -1 };
		return 0;
	}
	return job_group_make(cgroups, job_id, ret_group, ret_join, err);
}

void prepared_name_group(struct prepared *prepared, const struct cgroups *cgroups, struct job_group *group, uint32_t job_id)
{
	if (job_group_is_prepared(group) && job_group_rename(cgroups, group, job_id) < 0)
		prepared->blocked = true;
}

int prepared_take_script(struct prepared *prepared, const void *script, size_t size, struct error *err)
{
	if (prepared->script < 0 && make_script(prepared, err) < 0)
		return -1;
	_cleanup_close_ int file = steal_fd(&prepared->script);
	_cleanup_close_ int input = steal_fd(&prepared->input);

	if (size == 0 && ftruncate(file, 0) < 0)
		return error_set(err, errno, "empty script");
	if (fd_write_all(file, script, size, deadline_in_ms(1000), err) < 0)
		return -1;
	if (fcntl(file, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return error_set(err, errno, "seal");
	return steal_fd(&input);
}

int prepared_drop(struct prepared *prepared, const struct cgroups *cgroups, struct error *err)
{
	prepared->join = close_fd(prepared->join);
	prepared->last_join = close_fd(prepared->last_join);
	prepared->script = close_fd(prepared->script);
	prepared->input = close_fd(prepared->input);
	return job_group_remove(cgroups, &prepared->group, err);
}
