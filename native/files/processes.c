/*
 * PROCESSES: OK {PROCESS*}, as listing.h tells it. PATH is where the container has its proc file system, which
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
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

#include "files/listing.h"
#include "files/operations.h"
#include "files/paths.h"
#include "files/request.h"
#include "lib/fd.h"
#include "lib/proc-stat.h"

enum { MAX_STATUS = 4 << 10, MAX_COMMAND_LINE = 1 << 10, MS_PER_TICK = 1000 / PROC_STAT_TICKS_PER_S };

struct process_listing {
	struct listing listing;
	uint64_t boot_ms;    /* when the machine started, since the epoch */
};

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

static bool is_number(const char *name)
{
	return name[0] >= '1' && name[0] <= '9' && name[strspn(name, "0123456789")] == '\0';
}

static int add(struct listing *listing, const char *pid, struct error *err)
{
	const struct process_listing *processes = (const struct process_listing *)((const char *)listing - offsetof(struct process_listing, listing));
	struct wire_buffer *batch = &listing->batch;
	char text[MAX_STATUS + 1];
	int proc = dirfd(listing->stream);
	struct proc_stat stat;
	struct proc_status status;

	if (!is_number(pid))
		return 0;
	ssize_t size = read_beginning(proc, pid, "stat", text, MAX_STATUS);

	if (size < 0 || proc_stat_read(text, (size_t)size, &stat) < 0 || read_status(proc, pid, &status) < 0 || !listing_begin_entry(listing))
		return 0;
	size_t opened = wire_open(batch, TAG_PROCESS);

	wire_put_u32(batch, TAG_PID, stat.pid);
	wire_put_u32(batch, TAG_PARENT_PID, stat.parent);
	wire_put_u32(batch, TAG_UID, status.uid);
	wire_put_u32(batch, TAG_PROCESS_STATE, (uint8_t)stat.state);
	wire_put_u32(batch, TAG_COUNT, stat.threads);
	wire_put_u64(batch, TAG_CPU_TIME_MS, stat.cpu_ticks * MS_PER_TICK);
	wire_put_u64(batch, TAG_BYTES, status.resident_kib * 1024);
	wire_put_u64(batch, TAG_STARTED_MS, processes->boot_ms + stat.start_ticks * MS_PER_TICK);
	wire_put_bytes(batch, TAG_NAME, stat.name, stat.name_size);
	put_command_line(batch, proc, pid);
	wire_close(batch, opened);
	return listing_end_entry(listing, err);
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
	struct process_listing processes = {
		.listing = { .transfer = transfer, .request = &request, .add = add },
		.boot_ms = clock_ms(CLOCK_REALTIME) - clock_ms(CLOCK_BOOTTIME),
	};

	return listing_serve(&processes.listing, steal_fd(&fd), err);
}
