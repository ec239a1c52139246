#include "monitor/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/wire.h"

#define NAME_SIZE 32

static void file_name(const struct spool *spool, const char *kind, char *ret_name)
{
	snprintf(ret_name, NAME_SIZE, "%u.%s", spool->id, kind);
}

void spool_init(struct spool *spool, int directory, uint32_t id)
{
	*spool = (struct spool){ .directory = directory, .id = id, .data_fd = -1, .runs_fd = -1 };
}

static int open_file(const struct spool *spool, const char *kind, struct error *err)
{
	char name[NAME_SIZE];

	file_name(spool, kind, name);
	int fd = openat(spool->directory, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	return fd < 0 ? error_set(err, errno, "jobs/%s", name) : fd;
}

static int write_at(int fd, const void *data, size_t size, uint64_t offset, struct error *err)
{
	const char *next = data;

	while (size > 0) {
		ssize_t count = pwrite(fd, next, size, (off_t)offset);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return error_set(err, errno, "write output");
		next += count;
		size -= (size_t)count;
		offset += (uint64_t)count;
	}
	return 0;
}

static int read_run(const struct spool *spool, uint64_t number, uint64_t *ret_run, struct error *err)
{
	if (number < SPOOL_MEMORY_RUNS) {
		*ret_run = spool->runs[number];
		return 0;
	}
	if (pread(spool->runs_fd, ret_run, sizeof(*ret_run), (off_t)((number - SPOOL_MEMORY_RUNS) * sizeof(*ret_run))) != sizeof(*ret_run))
		return error_set(err, EIO, "jobs/%u.runs", spool->id);
	return 0;
}

static int add_run(struct spool *spool, uint32_t stream, struct error *err)
{
	uint64_t run = spool->size * 2 + (stream == STREAM_STDERR), last;

	if (spool->run_count > 0) {
		if (read_run(spool, spool->run_count - 1, &last, err) < 0)
			return -1;
		if ((last & 1) == (run & 1))
			return 0;
	}
	if (spool->run_count < SPOOL_MEMORY_RUNS) {
		/* Grown at 1, 2, 4 … 64. */
		if ((spool->run_count & (spool->run_count - 1)) == 0) {
			uint64_t *grown = realloc(spool->runs, (spool->run_count == 0 ? 1 : spool->run_count * 2) * sizeof(*grown));

			if (grown == NULL)
				return error_set(err, ENOMEM, "output");
			spool->runs = grown;
		}
		spool->runs[spool->run_count++] = run;
		return 0;
	}
	if (spool->runs_fd < 0 && (spool->runs_fd = open_file(spool, "runs", err)) < 0)
		return -1;
	if (write_at(spool->runs_fd, &run, sizeof(run), (spool->run_count - SPOOL_MEMORY_RUNS) * sizeof(run), err) < 0)
		return -1;
	spool->run_count++;
	return 0;
}

int spool_append(struct spool *spool, uint32_t stream, const void *data, size_t size, struct error *err)
{
	if (size == 0)
		return 0;
	if (add_run(spool, stream, err) < 0)
		return -1;
	if (spool->data_fd < 0 && spool->size + size <= SPOOL_MEMORY) {
		if (spool->memory == NULL && (spool->memory = malloc(SPOOL_MEMORY)) == NULL)
			return error_set(err, ENOMEM, "output");
		memcpy(spool->memory + spool->size, data, size);
		spool->size += size;
		return 0;
	}
	if (spool->data_fd < 0) {
		_cleanup_close_ int fd = open_file(spool, "spool", err);

		if (fd < 0 || write_at(fd, spool->memory, spool->size, 0, err) < 0)
			return -1;
		spool->data_fd = steal_fd(&fd);
		free(spool->memory);
		spool->memory = NULL;
	}
	if (write_at(spool->data_fd, data, size, spool->size, err) < 0)
		return -1;
	spool->size += size;
	return 0;
}

/* The number of the run that holds a position below spool->size. */
static int find_run(struct spool *spool, uint64_t position, uint64_t *ret_run, uint64_t *ret_end, struct error *err)
{
	uint64_t low = 0, high = spool->run_count, run, next;

	/* Readers go forward: mostly it is the run found last or the one after. */
	for (uint64_t guess = spool->found; guess < spool->run_count && guess < spool->found + 2; guess++) {
		if (read_run(spool, guess, &run, err) < 0)
			return -1;
		if (run / 2 > position)
			break;
		low = guess;
	}
	while (high - low > 1) {
		uint64_t middle = low + (high - low) / 2;

		/* The first probe next to low ends the search at once for a forward reader. */
		if (low == spool->found || low == spool->found + 1)
			middle = low + 1;
		if (read_run(spool, middle, &run, err) < 0)
			return -1;
		if (run / 2 <= position)
			low = middle;
		else
			high = middle;
	}
	if (read_run(spool, low, &run, err) < 0)
		return -1;
	*ret_end = spool->size;
	if (low + 1 < spool->run_count) {
		if (read_run(spool, low + 1, &next, err) < 0)
			return -1;
		*ret_end = next / 2;
	}
	spool->found = low;
	*ret_run = run;
	return 0;
}

int spool_find(struct spool *spool, uint64_t position, uint32_t *ret_stream, uint64_t *ret_end, struct error *err)
{
	uint64_t run;

	if (position >= spool->size)
		return error_set(err, EINVAL, "position %llu of %llu", (unsigned long long)position, (unsigned long long)spool->size);
	if (find_run(spool, position, &run, ret_end, err) < 0)
		return -1;
	*ret_stream = run & 1 ? STREAM_STDERR : STREAM_STDOUT;
	return 0;
}

int spool_copy(const struct spool *spool, uint64_t position, void *ret_data, size_t size, struct error *err)
{
	uint8_t *next = ret_data;

	if (spool->data_fd < 0) {
		memcpy(next, spool->memory + position, size);
		return 0;
	}
	while (size > 0) {
		ssize_t count = pread(spool->data_fd, next, size, (off_t)position);

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return error_set(err, count < 0 ? errno : EIO, "jobs/%u.spool", spool->id);
		next += count;
		position += (uint64_t)count;
		size -= (size_t)count;
	}
	return 0;
}

ssize_t spool_send(const struct spool *spool, uint64_t position, size_t size, int socket)
{
	off_t offset = (off_t)position;
	ssize_t count;

	do
		count = spool->data_fd < 0 ? send(socket, spool->memory + position, size, MSG_NOSIGNAL | MSG_DONTWAIT) : sendfile(socket, spool->data_fd, &offset, size);
	while (count < 0 && errno == EINTR);
	/* The file is shorter than what was written to it. */
	if (count == 0)
		errno = EIO;
	return count > 0 ? count : -1;
}

uint64_t spool_runs_size(const struct spool *spool)
{
	return spool->run_count > SPOOL_MEMORY_RUNS ? (spool->run_count - SPOOL_MEMORY_RUNS) * sizeof(uint64_t) : 0;
}

void spool_remove(struct spool *spool)
{
	char name[NAME_SIZE];

	if (spool->data_fd >= 0) {
		file_name(spool, "spool", name);
		unlinkat(spool->directory, name, 0);
		spool->data_fd = close_fd(spool->data_fd);
	}
	if (spool->runs_fd >= 0) {
		file_name(spool, "runs", name);
		unlinkat(spool->directory, name, 0);
		spool->runs_fd = close_fd(spool->runs_fd);
	}
	free(spool->memory);
	free(spool->runs);
	spool->memory = NULL;
	spool->runs = NULL;
	spool->run_count = spool->size = spool->found = 0;
}
