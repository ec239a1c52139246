#include "lib/file-copy.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/fd.h"

/* Twice of what the second-level cache of common processors holds costs a third of the speed. */
enum { BUFFER_SIZE = 256 << 10 };

static int buffer_make(struct file_copier *copier, struct error *err)
{
	if (copier->buffer == NULL)
		copier->buffer = malloc(BUFFER_SIZE);
	return copier->buffer == NULL ? error_set(err, ENOMEM, "buffer") : 0;
}

/* What is there of `size` bytes; fewer only at the end. -1: error. */
static ssize_t copy_by_buffer(struct file_copier *copier, int from, int to, size_t size, struct error *err)
{
	size_t copied = 0;

	if (buffer_make(copier, err) < 0)
		return -1;
	while (copied < size) {
		ssize_t count = read(from, copier->buffer, size - copied < BUFFER_SIZE ? size - copied : BUFFER_SIZE);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return error_set(err, errno, "read");
		if (count == 0)
			break;
		/* A regular file makes nobody wait: no deadline is looked at. */
		if (fd_write_all(to, copier->buffer, (size_t)count, 0, err) < 0)
			return -1;
		copied += (size_t)count;
	}
	return (ssize_t)copied;
}

static ssize_t copy_step(struct file_copier *copier, int from, int to, size_t size, struct error *err)
{
	while (!copier->no_range) {
		ssize_t copied = copy_file_range(from, NULL, to, NULL, size, 0);

		if (copied > 0)
			return copied;
		/* The end of the file; or a file system that makes its contents up says so (linux commit 868f9f2f8e00): the buffer finds out. */
		if (copied == 0)
			break;
		if (errno == EINTR)
			continue;
		if (errno != EXDEV && errno != EINVAL && errno != EOPNOTSUPP && errno != ENOSYS && errno != EPERM)
			return error_set(err, errno, "copy_file_range");
		copier->no_range = true;
	}
	return copy_by_buffer(copier, from, to, size, err);
}

/* From where both files stand, `size` bytes at most. */
static int copy_bytes(struct file_copier *copier, int from, int to, uint64_t size, file_copy_tick tick, void *context, struct error *err)
{
	while (size > 0) {
		size_t step = size < FILE_COPY_STEP ? (size_t)size : FILE_COPY_STEP;

		ssize_t copied = copy_step(copier, from, to, step, err);

		if (copied <= 0)
			return (int)copied;
		if (tick(context, (uint64_t)copied, err) < 0)
			return -1;
		size -= (uint64_t)copied;
	}
	return 0;
}

/* Every stretch of data, and the size at the end. */
static int copy_sparse(struct file_copier *copier, int from, int to, off_t size, file_copy_tick tick, void *context, struct error *err)
{
	off_t hole = 0;

	while (hole < size) {
		off_t data = lseek(from, hole, SEEK_DATA);

		if (data < 0 && errno == ENXIO)
			break;
		if (data < 0)
			return error_set(err, errno, "SEEK_DATA");
		hole = lseek(from, data, SEEK_HOLE);
		if (hole < 0 || lseek(from, data, SEEK_SET) < 0 || lseek(to, data, SEEK_SET) < 0)
			return error_set(err, errno, "lseek");
		if (hole > size)
			hole = size;
		if (hole > data && copy_bytes(copier, from, to, (uint64_t)(hole - data), tick, context, err) < 0)
			return -1;
	}
	return ftruncate(to, size) < 0 ? error_set(err, errno, "size of %lld bytes", (long long)size) : 0;
}

int file_copy(struct file_copier *copier, int from, const struct stat *status, int to, file_copy_tick tick, void *context, struct error *err)
{
	if (status->st_size == 0)
		return copy_bytes(copier, from, to, FILE_COPY_UNSIZED, tick, context, err);
	if (status->st_blocks < status->st_size / 512)
		return copy_sparse(copier, from, to, status->st_size, tick, context, err);
	return copy_bytes(copier, from, to, (uint64_t)status->st_size, tick, context, err);
}

void file_copier_free(struct file_copier *copier)
{
	free(copier->buffer);
	copier->buffer = NULL;
}
