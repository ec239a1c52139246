/*
 * What a job has written, to be read again from any position.
 *
 * jobs/ID.spool holds the bytes of both streams in the order of their arrival, so a position is an offset. jobs/ID.runs says where the stream changes:
 * u64 values, position * 2 + (1 for stderr), ascending. Both come into being late: up to 4 KiB of output and 128
 * changes stay in memory, and most jobs write less.
 */
#ifndef WARDEN_MONITOR_SPOOL_H
#define WARDEN_MONITOR_SPOOL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/error.h"

#define SPOOL_MEMORY 4096u
#define SPOOL_MEMORY_RUNS 128u

struct spool {
	int directory;        /* jobs/, not ours */
	uint32_t id;
	int data_fd;          /* -1: all is in memory */
	int runs_fd;          /* of the runs from number SPOOL_MEMORY_RUNS on */
	uint8_t *memory;
	uint64_t *runs;
	uint64_t run_count;
	uint64_t found;       /* the run that was read last, for the next search */
	uint64_t size;
};

void spool_init(struct spool *spool, int directory, uint32_t id);
int spool_append(struct spool *spool, uint32_t stream, const void *data, size_t size, struct error *err);
/* Of a position before the end: whose byte is there, and where the bytes of that stream end. */
int spool_find(struct spool *spool, uint64_t position, uint32_t *ret_stream, uint64_t *ret_end, struct error *err);
/* Bytes from position on, all of them there. */
int spool_copy(const struct spool *spool, uint64_t position, void *ret_data, size_t size, struct error *err);
/* Sends such bytes to a socket, as many as it has room for, without copying those in the file. Returns how many, or -1 with errno. */
ssize_t spool_send(const struct spool *spool, uint64_t position, size_t size, int socket);
/* Bytes that the changes of stream take on the disk. */
uint64_t spool_runs_size(const struct spool *spool);
/* Forgets everything and removes the files. */
void spool_remove(struct spool *spool);

#endif
