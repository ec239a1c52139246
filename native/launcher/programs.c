#include "launcher/programs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "lib/deadline.h"
#include "lib/fd.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

enum { WRITE_TIMEOUT_MS = 10000 };

/* Since Linux 6.3 vm.memfd_noexec may make memory files not executable unless they ask; older kernels refuse the flag. */
static int make_memory_file(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd;
}

int program_load(const char *path, const char *name, size_t max_size, struct error *err)
{
	_cleanup_close_ int file = open(path, O_RDONLY | O_CLOEXEC);

	if (file < 0)
		return error_set(err, errno, "%s", path);
	_cleanup_free_ char *data = NULL;
	size_t size;

	if (fd_read_file(file, max_size, &data, &size, err) < 0)
		return error_set(err, err->number, "%s", path);
	_cleanup_close_ int memory = make_memory_file(name);

	if (memory < 0)
		return error_set(err, errno, "memfd_create");
	if (fd_write_all(memory, data, size, deadline_in_ms(WRITE_TIMEOUT_MS), err) < 0)
		return -1;
	if (fcntl(memory, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return error_set(err, errno, "seal %s", name);
	char self[40];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", memory);
	_cleanup_close_ int result = open(self, O_RDONLY | O_CLOEXEC);

	if (result < 0)
		return error_set(err, errno, "%s", self);
	/*
	 * Nobody in a container may read it, so the kernel gives what executes it to the user namespace that may (would_dump() in fs/exec.c): files
	 * like /proc/1/oom_score_adj belong to the host's root then, and no capability within the container opens or traces it.
	 */
	if (fchmod(memory, 0111) < 0)
		return error_set(err, errno, "mode of %s", name);
	return steal_fd(&result);
}

int program_load_filter(const char *path, struct error *err)
{
	_cleanup_close_ int fd = program_load(path, "seccomp", FILTER_MAX_SIZE, err);
	struct stat status;

	if (fd < 0)
		return -1;
	if (fstat(fd, &status) < 0)
		return error_set(err, errno, "%s", path);
	if (status.st_size == 0 || status.st_size % (off_t)sizeof(struct sock_filter) != 0)
		return error_set(err, EINVAL, "%s: %lld bytes are not a list of filter instructions", path, (long long)status.st_size);
	return steal_fd(&fd);
}
