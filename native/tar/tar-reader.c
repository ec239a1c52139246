#include "tar/tar-reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tar/tar-sparse.h"

int tar_reader_init(struct tar_reader *ret_reader, tar_source read, void *context, struct error *err)
{
	*ret_reader = (struct tar_reader){ 0 };
	return tar_input_init(&ret_reader->input, read, context, err);
}

void tar_reader_free(struct tar_reader *reader)
{
	pax_clear(&reader->pax);
	tar_input_free(&reader->input);
	free(reader->long_name);
	free(reader->long_target);
	*reader = (struct tar_reader){ 0 };
}

static int read_long_name(struct tar_reader *reader, uint64_t size, char **ret_name, struct error *err)
{
	free(*ret_name);
	*ret_name = NULL;
	if (tar_input_text(&reader->input, size, TAR_PATH_MAX + 1, ret_name, err) < 0)
		return error_set(err, err->number == E2BIG ? ENAMETOOLONG : err->number, "a long name: %.100s", err->detail);
	return strlen(*ret_name) > TAR_PATH_MAX ? error_set(err, ENAMETOOLONG, "a long name") : 0;
}

static int read_pax(struct tar_reader *reader, uint64_t size, struct error *err)
{
	char *text = NULL;

	if (tar_input_text(&reader->input, size, PAX_MAX, &text, err) < 0)
		return -1;
	return pax_read(&reader->pax, text, (size_t)size, err);
}

static void take_field(char *ret_text, const char *field, size_t size)
{
	size_t length = strnlen(field, size);

	memcpy(ret_text, field, length);
	ret_text[length] = '\0';
}

/* The name of ustar has its beginning in a field of its own; GNU has other things there. */
static void take_name(struct tar_reader *reader, const struct tar_header *header)
{
	size_t length = 0;

	if (memcmp(header->magic, "ustar", 6) == 0 && header->prefix[0] != '\0') {
		take_field(reader->name, header->prefix, sizeof(header->prefix));
		length = strlen(reader->name);
		reader->name[length++] = '/';
	}
	take_field(reader->name + length, header->name, sizeof(header->name));
	take_field(reader->link_name, header->link_name, sizeof(header->link_name));
}

static int type_of(const struct tar_header *header, const char *path, enum tar_type *ret_type, struct error *err)
{
	size_t length = strlen(path);

	switch (header->type) {
	case '\0':
	case '0':
	case '7':
		/* Before ustar that was how a directory was written. */
		*ret_type = length > 0 && path[length - 1] == '/' ? TAR_DIRECTORY : TAR_FILE;
		return 0;
	case 'S':
		*ret_type = TAR_FILE;
		return 0;
	case '1':
		*ret_type = TAR_HARD_LINK;
		return 0;
	case '2':
		*ret_type = TAR_SYMLINK;
		return 0;
	case '3':
		*ret_type = TAR_CHARACTER_DEVICE;
		return 0;
	case '4':
		*ret_type = TAR_BLOCK_DEVICE;
		return 0;
	case '5':
		*ret_type = TAR_DIRECTORY;
		return 0;
	case '6':
		*ret_type = TAR_FIFO;
		return 0;
	default:
		return error_set(err, EBADMSG, "an entry of type 0x%02x", (uint8_t)header->type);
	}
}

static int take_numbers(struct tar_reader *reader, const struct tar_header *header, struct error *err)
{
	struct tar_entry *entry = &reader->entry;
	const struct pax *pax = &reader->pax;
	uint64_t mode, uid = pax->uid, gid = pax->gid, mtime = 0;

	if (tar_number_read(header->mode, sizeof(header->mode), UINT32_MAX, &mode, err) < 0)
		return error_set(err, err->number, "mode: %.100s", err->detail);
	if ((!pax->has_uid && tar_number_read(header->uid, sizeof(header->uid), UINT32_MAX - 1, &uid, err) < 0) ||
	    (!pax->has_gid && tar_number_read(header->gid, sizeof(header->gid), UINT32_MAX - 1, &gid, err) < 0))
		return error_set(err, err->number, "owner: %.100s", err->detail);
	/* Nothing depends on the time: one that cannot be read is none. */
	struct error ignored;

	if (!pax->has_mtime && tar_number_read(header->mtime, sizeof(header->mtime), INT64_MAX, &mtime, &ignored) < 0)
		mtime = 0;
	entry->mode = (mode_t)(mode & 07777);
	entry->uid = (uint32_t)uid;
	entry->gid = (uint32_t)gid;
	entry->mtime = pax->has_mtime ? pax->mtime : (int64_t)mtime;
	entry->mtime_ns = pax->mtime_ns;
	return 0;
}

static int take_size(struct tar_reader *reader, const struct tar_header *header, struct error *err)
{
	uint64_t size = reader->pax.size;

	if (!reader->pax.has_size && tar_number_read(header->size, sizeof(header->size), INT64_MAX, &size, err) < 0)
		return error_set(err, err->number, "size: %.100s", err->detail);
	/* Others have no data, whatever their header says: that is how all readers of the format see it. */
	if (reader->entry.type != TAR_FILE)
		size = 0;
	reader->left = size;
	reader->padding = tar_padding(size);
	reader->entry.size = size;
	return 0;
}

static int take_entry(struct tar_reader *reader, const struct tar_header *header, struct error *err)
{
	struct tar_entry *entry = &reader->entry;
	const struct pax *pax = &reader->pax;

	take_name(reader, header);
	*entry = (struct tar_entry){ .path = reader->name, .xattrs = pax->xattrs, .xattr_count = pax->xattr_count };
	if (pax->sparse_name != NULL || pax->path != NULL)
		entry->path = pax->sparse_name != NULL ? pax->sparse_name : pax->path;
	else if (reader->long_name != NULL)
		entry->path = reader->long_name;
	const char *target = pax->target != NULL ? pax->target : reader->long_target != NULL ? reader->long_target : reader->link_name;

	if (type_of(header, entry->path, &entry->type, err) < 0)
		return -1;
	if (entry->type == TAR_SYMLINK || entry->type == TAR_HARD_LINK)
		entry->target = target;
	if (take_numbers(reader, header, err) < 0 || take_size(reader, header, err) < 0 || tar_sparse_take(reader, header, err) < 0)
		return error_set(err, err->number, "%.100s: %.120s", entry->path, err->detail);
	reader->segment = 0;
	reader->segment_left = reader->is_sparse ? 0 : reader->left;
	reader->offset = 0;
	return 0;
}

static void forget_entry(struct tar_reader *reader)
{
	pax_clear(&reader->pax);
	free(reader->long_name);
	free(reader->long_target);
	reader->long_name = reader->long_target = NULL;
}

/* 1: a header; 0: the end. */
static int read_header(struct tar_reader *reader, struct tar_header *ret_header, struct error *err)
{
	size_t size;

	if (tar_input_up_to(&reader->input, ret_header, sizeof(*ret_header), &size, err) < 0)
		return -1;
	/* An end has a block of zeros at least: without one nobody knows whether that was all. */
	if (size < sizeof(*ret_header))
		return tar_input_cut_off(err);
	if (tar_header_is_zero(ret_header))
		return 0;
	return tar_header_is_valid(ret_header) ? 1 : error_set(err, EBADMSG, "this is no tar archive, or a damaged one");
}

/* What is told about the next entry. 1: that was it; 0: this is an entry. */
static int read_about_next(struct tar_reader *reader, const struct tar_header *header, struct error *err)
{
	uint64_t size;

	if (header->type == '\0' || strchr("LKxXg", header->type) == NULL)
		return 0;
	if (tar_number_read(header->size, sizeof(header->size), INT64_MAX, &size, err) < 0)
		return -1;
	switch (header->type) {
	case 'L':
		return read_long_name(reader, size, &reader->long_name, err) < 0 ? -1 : 1;
	case 'K':
		return read_long_name(reader, size, &reader->long_target, err) < 0 ? -1 : 1;
	case 'g':
		/* Of all entries that follow: a commit's name, mostly. */
		if (size > PAX_MAX)
			return error_set(err, E2BIG, "a global header of %llu bytes", (unsigned long long)size);
		return tar_input_skip(&reader->input, size + tar_padding(size), err) < 0 ? -1 : 1;
	default:
		return read_pax(reader, size, err) < 0 ? -1 : 1;
	}
}

int tar_reader_next(struct tar_reader *reader, const struct tar_entry **ret_entry, struct error *err)
{
	struct tar_header header;
	int result;

	if (reader->ended)
		return 0;
	if (tar_input_skip(&reader->input, reader->left, err) < 0 || tar_input_skip(&reader->input, reader->padding, err) < 0)
		return -1;
	reader->left = reader->padding = 0;
	forget_entry(reader);
	while ((result = read_header(reader, &header, err)) > 0) {
		result = read_about_next(reader, &header, err);
		if (result < 0)
			return -1;
		if (result > 0)
			continue;
		if (take_entry(reader, &header, err) < 0)
			return -1;
		*ret_entry = &reader->entry;
		return 1;
	}
	reader->ended = result == 0;
	return result;
}

int tar_reader_data(struct tar_reader *reader, const void **ret_data, size_t *ret_size, uint64_t *ret_offset, struct error *err)
{
	if (reader->entry.type != TAR_FILE)
		return 0;
	while (reader->segment_left == 0 && reader->is_sparse && reader->segment < reader->pax.segment_count) {
		const struct tar_segment *segment = &reader->pax.segments[reader->segment++];

		reader->segment_left = segment->size;
		reader->offset = segment->offset;
	}
	if (reader->segment_left == 0)
		return 0;
	int result = tar_input_fill(&reader->input, err);

	if (result <= 0)
		return result < 0 ? -1 : tar_input_cut_off(err);
	size_t count = tar_input_available(&reader->input, reader->segment_left);

	*ret_data = reader->input.buffer + reader->input.begin;
	*ret_size = count;
	*ret_offset = reader->offset;
	reader->input.begin += count;
	reader->left -= count;
	reader->segment_left -= count;
	reader->offset += count;
	return 1;
}

int tar_reader_drain(struct tar_reader *reader, struct error *err)
{
	int result;

	while ((result = tar_input_fill(&reader->input, err)) > 0)
		reader->input.begin = reader->input.end;
	return result;
}
