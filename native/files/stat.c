#include "files/operations.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "files/entry.h"
#include "files/paths.h"
#include "files/reply.h"
#include "files/request.h"
#include "lib/fd.h"

int serve_stat(struct transfer *transfer, struct error *err)
{
	_cleanup_request_ struct request request;
	struct wire_buffer buffer = { 0 };
	struct stat status;

	if (request_read(transfer, &request, err) < 0)
		return -1;
	err->step = "stat file";
	_cleanup_close_ int fd = paths_open(transfer, request.path, O_PATH | (request.flags & TRANSFER_FLAG_NO_FOLLOW ? O_NOFOLLOW : 0), 0, err);

	if (fd < 0)
		return -1;
	if (fstat(fd, &status) < 0)
		return error_set(err, errno, "%.200s", request.path);
	_cleanup_free_ char *target = S_ISLNK(status.st_mode) ? entry_read_link(fd, "") : NULL;

	wire_begin(&buffer, WIRE_OK);
	entry_put(&buffer, NULL, &status, target);
	return reply_send(transfer, &buffer, err);
}
