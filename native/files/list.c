/* LIST: OK {ENTRY*} as often as it takes, in the directory's own order, CONTENT_END {LENGTH, ENTRY_LIMIT?}: how many, and whether the limit kept more back. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "files/entry.h"
#include "files/operations.h"
#include "files/paths.h"
#include "files/reply.h"
#include "files/request.h"
#include "lib/fd.h"

enum { BATCH_SIZE = 32 << 10 };

struct listing {
	const struct transfer *transfer;
	const struct request *request;
	DIR *stream;
	struct wire_buffer batch;
	bool begun;        /* there is a frame in the batch */
	uint64_t count;
	bool more;
};

static void closedirp(DIR **stream)
{
	if (*stream != NULL)
		closedir(*stream);
}

static int send_batch(struct listing *listing, struct error *err)
{
	listing->begun = false;
	return reply_send(listing->transfer, &listing->batch, err);
}

static void begin_batch(struct listing *listing)
{
	if (!listing->begun)
		wire_begin(&listing->batch, WIRE_OK);
	listing->begun = true;
}

static int add(struct listing *listing, const char *name, struct error *err)
{
	struct stat status;

	if (fstatat(dirfd(listing->stream), name, &status, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0) {
		/* Removed since its name was read. */
		return errno == ENOENT ? 0 : error_set(err, errno, "%.100s/%.100s", listing->request->path, name);
	}
	if (listing->count == listing->request->entry_limit) {
		listing->more = true;
		return 0;
	}
	_cleanup_free_ char *target = S_ISLNK(status.st_mode) ? entry_read_link(dirfd(listing->stream), name) : NULL;

	begin_batch(listing);
	entry_put(&listing->batch, name, &status, target);
	listing->count++;
	return listing->batch.size >= BATCH_SIZE ? send_batch(listing, err) : 0;
}

static int add_all(struct listing *listing, struct error *err)
{
	while (!listing->more) {
		errno = 0;
		const struct dirent *entry = readdir(listing->stream);

		if (entry == NULL)
			return errno == 0 ? 0 : error_set(err, errno, "%.200s", listing->request->path);
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && add(listing, entry->d_name, err) < 0)
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

int serve_list(struct transfer *transfer, struct error *err)
{
	_cleanup_request_ struct request request;

	if (request_read(transfer, &request, err) < 0)
		return -1;
	err->step = "list directory";
	_cleanup_close_ int fd = paths_open(transfer, request.path, O_RDONLY | O_DIRECTORY, 0, err);

	if (fd < 0)
		return -1;
	__attribute__((cleanup(closedirp))) DIR *stream = fdopendir(fd);

	if (stream == NULL)
		return error_set(err, errno, "%.200s", request.path);
	fd = -1;
	struct listing listing = { .transfer = transfer, .request = &request, .stream = stream };

	if (add_all(&listing, err) < 0) {
		wire_buffer_free(&listing.batch);
		return -1;
	}
	/* An empty directory has an answer, too. */
	begin_batch(&listing);
	return send_batch(&listing, err) < 0 ? -1 : send_end(&listing, err);
}
