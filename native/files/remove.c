/* REMOVE → OK: a file, a link itself, an empty directory; with RECURSIVE a directory with what is in it; with FORCE what is not there is no error. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "files/operations.h"
#include "files/paths.h"
#include "files/reply.h"
#include "files/request.h"
#include "lib/fd.h"
#include "lib/remove.h"

static int remove_all(int parent, char *name, const char *path, struct error *err)
{
	struct error problem;

	if (remove_entries(parent, &name, 1, &problem) == 0)
		return 0;
	return error_set(err, problem.number, "%.120s: %.100s", path, problem.detail);
}

int serve_remove(struct transfer *transfer, struct error *err)
{
	_cleanup_request_ struct request request;
	_cleanup_close_ int parent = -1;
	_cleanup_free_ char *name = NULL;
	struct stat status;

	if (request_read(transfer, &request, err) < 0)
		return -1;
	err->step = "remove file";
	bool forced = request.flags & TRANSFER_FLAG_FORCE;

	if (paths_open_parent(transfer, request.path, &parent, &name, err) < 0)
		return forced && err->number == ENOENT ? reply_ok(transfer, err) : -1;
	if (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return forced && errno == ENOENT ? reply_ok(transfer, err) : error_set(err, errno, "%.200s", request.path);
	bool directory = S_ISDIR(status.st_mode);

	if (directory && request.flags & TRANSFER_FLAG_RECURSIVE) {
		if (remove_all(parent, name, request.path, err) < 0)
			return -1;
	} else if (unlinkat(parent, name, directory ? AT_REMOVEDIR : 0) < 0) {
		return error_set(err, errno, "%.200s", request.path);
	}
	return reply_ok(transfer, err);
}
