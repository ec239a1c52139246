#include "files/listing.h"

#include <errno.h>
#include <string.h>

#include "files/reply.h"
#include "lib/fd.h"

enum { BATCH_SIZE = 32 << 10 };

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

bool listing_begin_entry(struct listing *listing)
{
	if (listing->count == listing->request->entry_limit) {
		listing->more = true;
		return false;
	}
	begin_batch(listing);
	return true;
}

int listing_end_entry(struct listing *listing, struct error *err)
{
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
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && listing->add(listing, entry->d_name, err) < 0)
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

int listing_serve(struct listing *listing, int directory, struct error *err)
{
	listing->stream = fdopendir(directory);
	if (listing->stream == NULL) {
		error_set(err, errno, "%.200s", listing->request->path);
		close_fd(directory);
		return -1;
	}
	int result = add_all(listing, err);

	closedir(listing->stream);
	if (result < 0) {
		wire_buffer_free(&listing->batch);
		return -1;
	}
	/* An empty directory has an answer, too. */
	begin_batch(listing);
	return send_batch(listing, err) < 0 ? -1 : send_end(listing, err);
}
