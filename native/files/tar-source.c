#include "files/tar-source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fd.h"

void tar_source_init(struct tar_source *source, struct content_input *input)
{
	*source = (struct tar_source){ .input = input };
}

/* Bytes that are there, at most `max`; 0: the client's end. */
static int take(struct tar_source *source, uint64_t max, const uint8_t **ret_data, size_t *ret_size, struct error *err)
{
	while (source->piece_size == 0) {
		int result = content_read(source->input, &source->piece, &source->piece_size, err);

		if (result <= 0)
			return result;
	}
	*ret_data = source->piece;
	*ret_size = source->piece_size < max ? source->piece_size : (size_t)max;
	source->piece += *ret_size;
	source->piece_size -= *ret_size;
	return 1;
}

/* 1: all of it; 0: the end, before the first byte. */
static int take_exactly(struct tar_source *source, void *ret_data, size_t size, struct error *err)
{
	size_t have = 0;

	while (have < size) {
		const uint8_t *data;
		size_t count;
		int result = take(source, size - have, &data, &count, err);

		if (result < 0)
			return -1;
		if (result == 0)
			return have == 0 ? 0 : error_set(err, EBADMSG, "the archive ends within an entry");
		memcpy((uint8_t *)ret_data + have, data, count);
		have += count;
	}
	return 1;
}

static int skip(struct tar_source *source, uint64_t *left, struct error *err)
{
	while (*left > 0) {
		const uint8_t *data;
		size_t count;
		int result = take(source, *left, &data, &count, err);

		if (result <= 0)
			return result < 0 ? -1 : error_set(err, EBADMSG, "the archive ends within an entry");
		*left -= count;
	}
	return 0;
}

static int pass_over(struct tar_source *source, struct error *err)
{
	return skip(source, &source->content_left, err) < 0 || skip(source, &source->padding_left, err) < 0 ? -1 : 0;
}

/* Names and records that stand before an entry. */
static int read_ahead(struct tar_source *source, const struct tar_entry *entry, struct tar_overrides *overrides, struct error *err)
{
	if (entry->size > TAR_MAX_RECORDS)
		return error_set(err, EBADMSG, "%llu bytes about an entry", (unsigned long long)entry->size);
	_cleanup_free_ char *data = malloc(entry->size + 1);

	if (data == NULL)
		return error_set(err, ENOMEM, "records");
	int result = take_exactly(source, data, entry->size, err);

	if (result < 0)
		return -1;
	if (result == 0 && entry->size > 0)
		return error_set(err, EBADMSG, "the archive ends within an entry");
	source->content_left = 0;
	if (entry->type == TAR_PAX)
		return tar_read_records(data, entry->size, overrides, err);
	return tar_read_long(data, entry->size, entry->type == TAR_LONG_LINK, overrides, err);
}

/* GNU's old form of sparse files has more blocks of their map behind the header, as long as a byte in them says so. */
static int skip_sparse_map(struct tar_source *source, const uint8_t *header, struct error *err)
{
	uint8_t block[TAR_BLOCK];

	for (bool more = header[482] != 0; more; more = block[504] != 0)
		if (take_exactly(source, block, TAR_BLOCK, err) <= 0)
			return error_set(err, EBADMSG, "the archive ends within an entry");
	return 0;
}

int tar_source_next(struct tar_source *source, struct tar_entry *ret_entry, struct error *err)
{
	static struct tar_overrides overrides;
	uint8_t block[TAR_BLOCK];

	memset(&overrides, 0, sizeof(overrides));
	for (;;) {
		if (pass_over(source, err) < 0)
			return -1;
		int result = take_exactly(source, block, TAR_BLOCK, err);

		if (result > 0)
			result = tar_read_header(block, ret_entry, err);
		if (result <= 0)
			return result;
		source->content_left = ret_entry->size;
		source->padding_left = tar_padded(ret_entry->size) - ret_entry->size;
		if (ret_entry->type == TAR_PAX || ret_entry->type == TAR_LONG_NAME || ret_entry->type == TAR_LONG_LINK) {
			if (read_ahead(source, ret_entry, &overrides, err) < 0)
				return -1;
			continue;
		}
		if (ret_entry->type == TAR_PAX_GLOBAL)
			continue;
		if (ret_entry->type == TAR_GNU_SPARSE && skip_sparse_map(source, block, err) < 0)
			return -1;
		tar_override(&overrides, ret_entry);
		/* Of links and directories some programs write the size of what they lead to, and no content. */
		if (ret_entry->type == TAR_HARD_LINK || ret_entry->type == TAR_SYMLINK || ret_entry->type == TAR_DIRECTORY)
			ret_entry->size = 0;
		source->content_left = ret_entry->size;
		source->padding_left = tar_padded(ret_entry->size) - ret_entry->size;
		return 1;
	}
}

int tar_source_read(struct tar_source *source, const uint8_t **ret_data, size_t *ret_size, struct error *err)
{
	if (source->content_left == 0)
		return 0;
	int result = take(source, source->content_left, ret_data, ret_size, err);

	if (result <= 0)
		return result < 0 ? -1 : error_set(err, EBADMSG, "the archive ends within an entry");
	source->content_left -= *ret_size;
	return 1;
}

int tar_source_drain(struct tar_source *source, struct error *err)
{
	const uint8_t *data;
	size_t size;
	int result;

	while ((result = take(source, UINT64_MAX, &data, &size, err)) > 0)
		;
	return result;
}
