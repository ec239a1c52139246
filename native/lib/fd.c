#include "lib/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "lib/deadline.h"
#include "lib/syscalls.h"

int close_fd(int fd)
{
	int saved = errno;

	if (fd >= 0)
		close(fd);
	errno = saved;
	return -1;
}

int close_fds(unsigned int first, unsigned int last)
{
	struct rlimit limit;

	if (sys_close_range(first, last, 0) == 0)
		return 0;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -1;
	for (unsigned int fd = first; fd <= last && fd < limit.rlim_max; fd++)
		close((int)fd);
	return 0;
}

int fd_open_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

int fd_wait(int fd, short events, int64_t deadline, struct error *err)
{
	struct pollfd poller = { .fd = fd, .events = events };

	for (;;) {
		int count = poll(&poller, 1, deadline_remaining_ms(deadline));

		if (count > 0)
			return 0;
		if (count == 0)
			return error_set(err, ETIMEDOUT, "no answer in time");
		if (errno != EINTR)
			return error_set(err, errno, "poll");
	}
}

int fd_write_all(int fd, const void *data, size_t size, int64_t deadline, struct error *err)
{
	const char *next = data;

	while (size > 0) {
		ssize_t count = write(fd, next, size);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0 && errno == EAGAIN) {
			if (fd_wait(fd, POLLOUT, deadline, err) < 0)
				return -1;
			continue;
		}
		if (count < 0)
			return error_set(err, errno, "write");
		next += count;
		size -= (size_t)count;
	}
	return 0;
}

int fd_read_exactly(int fd, void *ret_data, size_t size, int64_t deadline, struct error *err)
{
	char *next = ret_data;

	while (size > 0) {
		ssize_t count = read(fd, next, size);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0 && errno == EAGAIN) {
			if (fd_wait(fd, POLLIN, deadline, err) < 0)
				return -1;
			continue;
		}
		if (count < 0)
			return error_set(err, errno, "read");
		if (count == 0)
			return error_set(err, EPIPE, "the other end closed");
		next += count;
		size -= (size_t)count;
	}
	return 0;
}

int fd_read_file(int fd, size_t max, char **ret_data, size_t *ret_size, struct error *err)
{
	_cleanup_free_ char *data = NULL;
	size_t size = 0, capacity = 0;

	for (;;) {
		if (size + 1 >= capacity) {
			size_t wanted = capacity == 0 ? 4096 : capacity * 2;
			char *grown = realloc(data, wanted);

			if (grown == NULL)
				return error_set(err, ENOMEM, "read of %zu bytes", wanted);
			data = grown;
			capacity = wanted;
		}
		ssize_t count = read(fd, data + size, capacity - size - 1);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return error_set(err, errno, "read");
		if (count == 0)
			break;
		size += (size_t)count;
		if (size > max)
			return error_set(err, EFBIG, "longer than %zu bytes", max);
	}
	data[size] = '\0';
	*ret_data = data;
	*ret_size = size;
	data = NULL;
	return 0;
}

int fd_write_file_at(int directory, const char *name, const void *data, size_t size, struct error *err)
{
	_cleanup_close_ int fd = openat(directory, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return error_set(err, errno, "%s", name);
	ssize_t count = write(fd, data, size);

	if (count < 0)
		return error_set(err, errno, "%s", name);
	if ((size_t)count != size)
		return error_set(err, EIO, "%s: wrote %zd of %zu bytes", name, count, size);
	return 0;
}

int fd_set_nonblocking(int fd, bool on, struct error *err)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK) < 0)
		return error_set(err, errno, "fcntl");
	return 0;
}

int fd_set_cloexec(int fd, bool on, struct error *err)
{
	if (fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0) < 0)
		return error_set(err, errno, "fcntl");
	return 0;
}
