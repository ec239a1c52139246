/* MAKE_DIRECTORY → OK. With RECURSIVE its parents are made, too; with RECURSIVE or FORCE one that is there is no error. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "files/operations.h"
#include "files/paths.h"
#include "files/reply.h"
#include "files/request.h"
#include "lib/fd.h"

enum { DEFAULT_MODE = 0755 };

static int is_directory(const struct transfer *transfer, const char *path)
{
	struct error ignored;
	_cleanup_close_ int fd = paths_open(transfer, path, O_PATH | O_DIRECTORY, 0, &ignored);

	return fd >= 0;
}

/* 0 when it is there, made or not. */
static int make(const struct transfer *transfer, const char *path, uint32_t mode, bool may_exist, struct error *err)
{
	_cleanup_close_ int parent = -1;
	_cleanup_free_ char *name = NULL;

	if (paths_open_parent(transfer, path, &parent, &name, err) < 0)
		return -1;
	if (mkdirat(parent, name, mode) == 0)
		return 0;
	int number = errno;

	return number == EEXIST && may_exist && is_directory(transfer, path) ? 0 : error_set(err, number, "%.200s", path);
}

/* Prefix by prefix: a component that is `.` or `..` is there already. */
static int make_parents(const struct transfer *transfer, const char *path, struct error *err)
{
	char prefix[PATHS_MAX_SIZE];

	for (const char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		const char *rest = slash + strspn(slash, "/");

		if (*rest == '\0')
			return 0;
		snprintf(prefix, sizeof(prefix), "%.*s", (int)(slash - path), path);
		if (!is_directory(transfer, prefix) && make(transfer, prefix, DEFAULT_MODE, true, err) < 0)
			return -1;
	}
	return 0;
}

int serve_make_directory(struct transfer *transfer, struct error *err)
{
	_cleanup_request_ struct request request;

	if (request_read(transfer, &request, err) < 0)
		return -1;
	err->step = "make directory";
	bool recursive = request.flags & TRANSFER_FLAG_RECURSIVE, may_exist = recursive || request.flags & TRANSFER_FLAG_FORCE;
	uint32_t mode = request.mode == UINT32_MAX ? DEFAULT_MODE : request.mode & 01777;

	if (may_exist && is_directory(transfer, request.path))
		return reply_ok(transfer, err);
	if (recursive && make_parents(transfer, request.path, err) < 0)
		return -1;
	return make(transfer, request.path, mode, may_exist, err) < 0 ? -1 : reply_ok(transfer, err);
}
