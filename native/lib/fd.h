/* Descriptors that close themselves, and reads and writes that end. */
#ifndef WARDEN_FD_H
#define WARDEN_FD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#include "lib/error.h"

/* close() that keeps errno and takes -1; always returns -1, for `fd = close_fd(fd)`. */
int close_fd(int fd);

static inline void closep(int *fd)
{
	close_fd(*fd);
}

static inline void freep(void *pointer)
{
	free(*(void **)pointer);
}

static inline int steal_fd(int *fd)
{
	int stolen = *fd;

	*fd = -1;
	return stolen;
}

#define _cleanup_close_ __attribute__((cleanup(closep)))
#define _cleanup_free_ __attribute__((cleanup(freep)))

/* Closes first … last; works without close_range(2) too (Linux < 5.9, or a filter). */
int close_fds(unsigned int first, unsigned int last);

/* Descriptors 0 to 2 that are closed become /dev/null: a file of ours with such a number would be taken for what it is not. */
int fd_open_standard(void);

/* Waits until one of `events` (poll) is there: 0, or -1 with ETIMEDOUT. deadline: deadline.h */
int fd_wait(int fd, short events, int64_t deadline, struct error *err);

/* All bytes or an error; waits on a non-blocking descriptor until the deadline. */
int fd_write_all(int fd, const void *data, size_t size, int64_t deadline, struct error *err);
int fd_read_exactly(int fd, void *ret_data, size_t size, int64_t deadline, struct error *err);

/* Everything up to the end of the file, at most max bytes (EFBIG). *ret_data is the caller's to free, and ends in an uncounted NUL. */
int fd_read_file(int fd, size_t max, char **ret_data, size_t *ret_size, struct error *err);

/* One write() of a short text to a file in a directory, as cgroup and proc files want it. */
int fd_write_file_at(int directory, const char *name, const void *data, size_t size, struct error *err);

int fd_set_nonblocking(int fd, bool on, struct error *err);
int fd_set_cloexec(int fd, bool on, struct error *err);

#endif
