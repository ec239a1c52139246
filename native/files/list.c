/* LIST: OK {ENTRY*} in the directory's own order, as listing.h tells it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "files/entry.h"
#include "files/listing.h"
#include "files/operations.h"
#include "files/paths.h"
#include "files/request.h"
#include "lib/fd.h"

static int add(struct listing *listing, const char *name, struct error *err)
{
	struct stat status;

	if (fstatat(dirfd(listing->stream), name, &status, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0) {
		/* Removed since its name was read. */
		return errno == ENOENT ? 0 : error_set(err, errno, "%.100s/%.100s", listing->request->path, name);
	}
	if (!listing_begin_entry(listing))
		return 0;
	_cleanup_free_ char *target = S_ISLNK(status.st_mode) ? entry_read_link(dirfd(listing->stream), name) : NULL;

	entry_put(&listing->batch, name, &status, target);
	return listing_end_entry(listing, err);
}

int serve_list(struct transfer *transfer, struct error *err)
{
	_cleanup_request_ struct request request;

	if (request_read(transfer, &request, err) < 0)
		return -1;
	err->step = "list directory";
	int fd = paths_open(transfer, request.path, O_RDONLY | O_DIRECTORY, 0, err);

	if (fd < 0)
		return -1;
	struct listing listing = { .transfer = transfer, .request = &request, .add = add };

	return listing_serve(&listing, fd, err);
}
