/* RENAME {PATH, TARGET} → OK: replaces what is there as rename(2) does; with EXCLUSIVE that is EEXIST. */
#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "files/operations.h"
#include "files/paths.h"
#include "files/reply.h"
#include "files/request.h"
#include "lib/fd.h"

#define NO_REPLACE 1   /* RENAME_NOREPLACE */

int serve_rename(struct transfer *transfer, struct error *err)
{
	_cleanup_request_ struct request request;
	_cleanup_close_ int from = -1;
	_cleanup_close_ int to = -1;
	_cleanup_free_ char *old_name = NULL;
	_cleanup_free_ char *new_name = NULL;

	if (request_read(transfer, &request, err) < 0)
		return -1;
	err->step = "rename file";
	if (request.target == NULL)
		return error_set(err, EINVAL, "no new path");
	if (paths_open_parent(transfer, request.path, &from, &old_name, err) < 0 || paths_open_parent(transfer, request.target, &to, &new_name, err) < 0)
		return -1;
	if (syscall(SYS_renameat2, from, old_name, to, new_name, request.flags & TRANSFER_FLAG_EXCLUSIVE ? NO_REPLACE : 0) < 0)
		return error_set(err, errno, "%.110s to %.110s", request.path, request.target);
	return reply_ok(transfer, err);
}
