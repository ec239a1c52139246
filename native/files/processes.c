/*
 * PROCESSES: OK {PROCESS*} as often as it takes, CONTENT_END {LENGTH, ENTRY_LIMIT?}, as of LIST. PATH is where the container has its proc file system, which
 * has the container's processes and no others, by the numbers that they have in it.
 *
 * A process may end at any moment: what it has no time to tell is left out, and one that tells nothing at all is. What it calls itself, its name and its
 * arguments, is bytes of its own choice. To read arguments the kernel looks into the memory of the process, which may make that last as long as it likes: it
 * holds up this program alone, which ends with its container at the latest.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

#include "files/operations.h"
#include "files/paths.h"
#include "lib/proc-stat.h"
#include "files/reply.h"
#include "files/request.h"
#include "lib/fd.h"

enum { BATCH_SIZE = 32 << 10, MAX_STATUS = 4 << 10, MAX_COMMAND_LINE = 1 << 10, MS_PER_TICK = 1000 / PROC_STAT_TICKS_PER_S };

struct listing {
	const struct transfer *transfer;
	const struct request *request;
	DIR *stream;
	uint64_t boot_ms;    /* when the machine started, since the epoch */
	struct wire_buffer batch;
	bool begun;          /* there is a frame in the batch */
	uint64_t count;
	bool more;
};

static void closedirp(DIR **stream)
{
	if (*stream != NULL)
		closedir(*stream);
}

static uint64_t clock_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* The beginning of a file of a process, at most `size` bytes, and a NUL behind them; -1: there is nothing to read. */
static ssize_t read_beginning(int proc, const char *pid, const char *file, char *ret_text, size_t size)
{
	char path[64];
	size_t length = 0;

	snprintf(path, sizeof(path), "%.20s/%s", pid, file);
	_cleanup_close_ int fd = openat(proc, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return -1;
	while (length < size) {
		ssize_t count = read(fd, ret_text + length, size - length);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return -1;
		if (count == 0)
			break;
		length += (size_t)count;
	}
	ret_text[length] = '\0';
	return (ssize_t)length;
}

static int read_status(int proc, const char *pid, struct proc_status *ret_status)
{
	char text[MAX_STATUS + 1];

	if (read_beginning(proc, pid, "status", text, MAX_STATUS) < 0)
		return -1;
	return proc_status_read(text, ret_status);
}

static void put_command_line(struct wire_buffer *buffer, int proc, const char *pid)
{
	char line[MAX_COMMAND_LINE + 1];
	ssize_t size = read_beginning(proc, pid, "cmdline", line, MAX_COMMAND_LINE);

	/* The last argument has its end behind it; a process may have overwritten that. */
	if (size > 0 && line[size - 1] == '\0')
		size--;
	if (size > 0)
		wire_put_bytes(buffer, TAG_COMMAND_LINE, line, (size_t)size);
}

static void begin_batch(struct listing *listing)
{
	if (!listing->begun)
		wire_begin(&listing->batch, WIRE_OK);
	listing->begun = true;
}

static int send_batch(struct listing *listing, struct error *err)
{
	listing->begun = false;
	return reply_send(listing->transfer, &listing->batch, err);
}

static int add(struct listing *listing, const char *pid, struct error *err)
{
	char text[MAX_STATUS + 1];
	int proc = dirfd(listing->stream);
	struct proc_stat stat;
	struct proc_status status;
	ssize_t size = read_beginning(proc, pid, "stat", text, MAX_STATUS);

	if (size < 0 || proc_stat_read(text, (size_t)size, &stat) < 0 || read_status(proc, pid, &status) < 0)
		return 0;
	if (listing->count == listing->request->entry_limit) {
		listing->more = true;
		return 0;
	}
	begin_batch(listing);
	size_t opened = wire_open(&listing->batch, TAG_PROCESS);

	wire_put_u32(&listing->batch, TAG_PID, stat.pid);
	wire_put_u32(&listing->batch, TAG_PARENT_PID, stat.parent);
	wire_put_u32(&listing->batch, TAG_UID, status.uid);
	wire_put_u32(&listing->batch, TAG_PROCESS_STATE, (uint8_t)stat.state);
	wire_put_u32(&listing->batch, TAG_COUNT, stat.threads);
	wire_put_u64(&listing->batch, TAG_CPU_TIME_MS, stat.cpu_ticks * MS_PER_TICK);
	wire_put_u64(&listing->batch, TAG_BYTES, status.resident_kib * 1024);
	wire_put_u64(&listing->batch, TAG_STARTED_MS, listing->boot_ms + stat.start_ticks * MS_PER_TICK);
	wire_put_bytes(&listing->batch, TAG_NAME, stat.name, stat.name_size);
	put_command_line(&listing->batch, proc, pid);
	wire_close(&listing->batch, opened);
	listing->count++;
	return listing->batch.size >= BATCH_SIZE ? send_batch(listing, err) : 0;
}

static bool is_number(const char *name)
{
	return name[0] >= '1' && name[0] <= '9' && name[strspn(name, "0123456789")] == '\0';
}

static int add_all(struct listing *listing, struct error *err)
{
	while (!listing->more) {
		errno = 0;
		const struct dirent *entry = readdir(listing->stream);

		if (entry == NULL)
			return errno == 0 ? 0 : error_set(err, errno, "%.200s", listing->request->path);
		if (is_number(entry->d_name) && add(listing, entry->d_name, err) < 0)
			return -1;
	}
	return 0;
}

static int send_end(const struct listing *listing, struct error *err)
{
	struct wire_buffer buffer = { 0 };

	wire_begin(&buffer, WIRE_CONTENT_END);
	wire_put_u64(&buffer, TAG_LENGTH, listing->count);
	if (listing->more)
		wire_put_u64(&buffer, TAG_ENTRY_LIMIT, listing->request->entry_limit);
	return reply_send(listing->transfer, &buffer, err);
}

/* A directory of the container's own could tell anything. */
static int check_proc(int fd, const char *path, struct error *err)
{
	struct statfs status;

	if (fstatfs(fd, &status) < 0)
		return error_set(err, errno, "%.200s", path);
	return status.f_type == PROC_SUPER_MAGIC ? 0 : error_set(err, EOPNOTSUPP, "the container has no proc file system at %.200s", path);
}

int serve_processes(struct transfer *transfer, struct error *err)
{
	_cleanup_request_ struct request request;

	if (request_read(transfer, &request, err) < 0)
		return -1;
	err->step = "list processes";
	_cleanup_close_ int fd = paths_open(transfer, request.path, O_RDONLY | O_DIRECTORY, 0, err);

	if (fd < 0 || check_proc(fd, request.path, err) < 0)
		return -1;
	__attribute__((cleanup(closedirp))) DIR *stream = fdopendir(fd);

	if (stream == NULL)
		return error_set(err, errno, "%.200s", request.path);
	fd = -1;
	struct listing listing = { .transfer = transfer, .request = &request, .stream = stream, .boot_ms = clock_ms(CLOCK_REALTIME) - clock_ms(CLOCK_BOOTTIME) };

	if (add_all(&listing, err) < 0) {
		wire_buffer_free(&listing.batch);
		return -1;
	}
	begin_batch(&listing);
	return send_batch(&listing, err) < 0 ? -1 : send_end(&listing, err);
}
