/* READ: OK with what is known of the file, CONTENT*, CONTENT_END. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "files/content.h"
#include "files/entry.h"
#include "files/operations.h"
#include "files/paths.h"
#include "files/reply.h"
#include "files/request.h"
#include "lib/fd.h"

/* A FIFO or a device is opened without waiting for anybody, and goes no further than here. */
static int open_file(const struct transfer *transfer, const char *path, struct stat *ret_status, struct error *err)
{
	_cleanup_close_ int fd = paths_open(transfer, path, O_RDONLY | O_NONBLOCK, 0, err);

	if (fd < 0)
		return -1;
	if (fstat(fd, ret_status) < 0)
		return error_set(err, errno, "%.200s", path);
	if (S_ISDIR(ret_status->st_mode))
		return error_set(err, EISDIR, "%.200s", path);
	if (!S_ISREG(ret_status->st_mode))
		return error_set(err, EINVAL, "%.200s is no regular file", path);
	return steal_fd(&fd);
}

static int send_file(int fd, const struct request *request, struct content_output *output, struct error *err)
{
	uint64_t left = request->length;

	while (left > 0) {
		size_t room;
		uint8_t *to = content_output_room(output, &room);
		ssize_t count = read(fd, to, left < room ? (size_t)left : room);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return error_set(err, errno, "%.200s", request->path);
		if (count == 0)
			break;
		left -= (uint64_t)count;
		if (content_output_add(output, (size_t)count, err) < 0)
			return -1;
	}
	return content_output_end(output, err);
}

int serve_read(struct transfer *transfer, struct error *err)
{
	static struct content_output output;
	_cleanup_request_ struct request request;
	struct wire_buffer buffer = { 0 };
	struct stat status;

	if (request_read(transfer, &request, err) < 0)
		return -1;
	err->step = "read file";
	_cleanup_close_ int fd = open_file(transfer, request.path, &status, err);

	if (fd < 0)
		return -1;
	if (request.position != UINT64_MAX && (request.position > INT64_MAX || lseek(fd, (off_t)request.position, SEEK_SET) < 0))
		return error_set(err, EINVAL, "%.200s: offset %llu", request.path, (unsigned long long)request.position);
	wire_begin(&buffer, WIRE_OK);
	entry_put(&buffer, NULL, &status, NULL);
	if (reply_send(transfer, &buffer, err) < 0)
		return -1;
	content_output_init(&output, transfer);
	return send_file(fd, &request, &output, err);
}
