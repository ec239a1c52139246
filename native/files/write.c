/* WRITE: with CONTENT in the request OK when it is written; else OK when the file is open, CONTENT* and CONTENT_END from the client, and OK {LENGTH}. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "files/content.h"
#include "files/operations.h"
#include "files/paths.h"
#include "files/reply.h"
#include "files/request.h"
#include "lib/fd.h"
#include "lib/syscalls.h"

enum { DEFAULT_MODE = 0644, PLAIN_MODE = 01777 };

static mode_t mode_for(const struct transfer *transfer, int fd, mode_t wanted)
{
	uint64_t mount;

	if ((wanted & ~(mode_t)PLAIN_MODE) == 0)
		return wanted;
	return sys_mount_id(fd, &mount) == 0 && mount == transfer->root_mount ? wanted : wanted & PLAIN_MODE;
}

/* Truncated only when it is known to be a file. Nobody is waited for: a FIFO without a reader is ENXIO. */
static int open_file(const struct transfer *transfer, const struct request *request, struct error *err)
{
	uint32_t flags = request->flags, mode = request->mode == UINT32_MAX ? DEFAULT_MODE : request->mode & 07777;
	uint64_t open_flags = O_WRONLY | O_NONBLOCK | (flags & TRANSFER_FLAG_CREATE ? O_CREAT : 0) | (flags & TRANSFER_FLAG_EXCLUSIVE ? O_CREAT | O_EXCL : 0) |
			      (flags & TRANSFER_FLAG_APPEND ? O_APPEND : 0);
	struct stat status;
	_cleanup_close_ int fd = paths_open(transfer, request->path, open_flags, open_flags & O_CREAT ? mode & PLAIN_MODE : 0, err);

	if (fd < 0)
		return -1;
	if (fstat(fd, &status) < 0)
		return error_set(err, errno, "%.200s", request->path);
	if (!S_ISREG(status.st_mode))
		return error_set(err, EINVAL, "%.200s is no regular file", request->path);
	if (flags & TRANSFER_FLAG_TRUNCATE && status.st_size > 0 && ftruncate(fd, 0) < 0)
		return error_set(err, errno, "%.200s", request->path);
	mode = mode_for(transfer, fd, mode);
	/* Also of a file that was there, when it is asked for. */
	if (request->mode != UINT32_MAX && (status.st_mode & 07777) != mode && fchmod(fd, mode) < 0)
		return error_set(err, errno, "mode of %.200s", request->path);
	if (request->position != UINT64_MAX && (request->position > INT64_MAX || lseek(fd, (off_t)request->position, SEEK_SET) < 0))
		return error_set(err, EINVAL, "%.200s: offset %llu", request->path, (unsigned long long)request->position);
	return steal_fd(&fd);
}

static int write_piece(int fd, const struct request *request, const uint8_t *data, size_t size, struct error *err)
{
	while (size > 0) {
		ssize_t count = write(fd, data, size);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return error_set(err, errno, "%.200s", request->path);
		data += count;
		size -= (size_t)count;
	}
	return 0;
}

static int receive(const struct transfer *transfer, int fd, const struct request *request, uint64_t *ret_total, struct error *err)
{
	static struct content_input input;
	const uint8_t *data;
	size_t size;
	int result;

	if (reply_ok(transfer, err) < 0)
		return -1;
	content_input_init(&input, transfer);
	while ((result = content_read(&input, &data, &size, err)) > 0) {
		if (input.total > request->byte_limit)
			result = error_set(err, EFBIG, "%.200s: more than %llu bytes", request->path, (unsigned long long)request->byte_limit);
		else
			result = write_piece(fd, request, data, size, err);
		if (result < 0)
			break;
	}
	*ret_total = input.total;
	return result;
}

int serve_write(struct transfer *transfer, struct error *err)
{
	_cleanup_request_ struct request request;
	struct wire_buffer buffer = { 0 };
	uint64_t total;

	if (request_read(transfer, &request, err) < 0)
		return -1;
	err->step = "write file";
	_cleanup_close_ int fd = open_file(transfer, &request, err);

	if (fd < 0)
		return -1;
	total = request.content_size;
	if (request.content != NULL ? write_piece(fd, &request, request.content, request.content_size, err) < 0 : receive(transfer, fd, &request, &total, err) < 0)
		return -1;
	/* Who is told that it is written may execute it, which the kernel refuses (ETXTBSY) while anybody has it open for writing. */
	fd = close_fd(fd);
	wire_begin(&buffer, WIRE_OK);
	wire_put_u64(&buffer, TAG_LENGTH, total);
	return reply_send(transfer, &buffer, err);
}
