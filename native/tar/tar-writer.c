#include "tar/tar-writer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/fd.h"
#include "tar/pax.h"
#include "tar/tar-header.h"

static const uint8_t zeros[16 * TAR_BLOCK_SIZE];

/* The records of a pax header, as they are put together. */
struct records {
	char *text;
	size_t size, room;
};

static const char type_letters[] = { [TAR_FILE] = '0', [TAR_DIRECTORY] = '5', [TAR_SYMLINK] = '2', [TAR_HARD_LINK] = '1', [TAR_CHARACTER_DEVICE] = '3', [TAR_BLOCK_DEVICE] = '4', [TAR_FIFO] = '6' };

void tar_writer_init(struct tar_writer *ret_writer, tar_sink write, void *context)
{
	*ret_writer = (struct tar_writer){ .write = write, .context = context };
}

static int grow(struct records *records, size_t size, struct error *err)
{
	if (size > PAX_MAX - records->size)
		return error_set(err, E2BIG, "more than %d bytes about an entry", PAX_MAX);
	if (records->size + size <= records->room)
		return 0;
	size_t room = 2 * (records->size + size);
	char *text = realloc(records->text, room);

	if (text == NULL)
		return error_set(err, ENOMEM, "archive");
	records->text = text;
	records->room = room;
	return 0;
}

/* A record counts itself, with the digits of its length. */
static size_t record_size(size_t rest)
{
	size_t size = rest + 1, digits;

	do {
		digits = (size_t)snprintf(NULL, 0, "%zu", size);
		if (rest + digits == size)
			return size;
		size = rest + digits;
	} while (true);
}

static int add_record(struct records *records, const char *keyword, const char *name, const void *value, size_t value_size, struct error *err)
{
	size_t size = record_size(1 + strlen(keyword) + strlen(name) + 1 + value_size + 1);

	/* One more for snprintf's NUL. */
	if (grow(records, size + 1, err) < 0)
		return -1;
	char *text = records->text + records->size;
	int length = snprintf(text, size + 1, "%zu %s%s=", size, keyword, name);

	memcpy(text + length, value, value_size);
	text[size - 1] = '\n';
	records->size += size;
	return 0;
}

static int add_time(struct records *records, const struct tar_entry *entry, struct error *err)
{
	char text[40];

	if (entry->mtime_ns == 0)
		snprintf(text, sizeof(text), "%" PRId64, entry->mtime);
	else if (entry->mtime >= 0)
		snprintf(text, sizeof(text), "%" PRId64 ".%09" PRIu32, entry->mtime, entry->mtime_ns);
	else
		snprintf(text, sizeof(text), "-%" PRId64 ".%09" PRIu32, -(entry->mtime + 1), 1000000000 - entry->mtime_ns);
	return add_record(records, "mtime", "", text, strlen(text), err);
}

static int add_number(struct records *records, const char *keyword, uint64_t number, struct error *err)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	return add_record(records, keyword, "", text, strlen(text), err);
}

/* What does not fit into octal fields, or into a hundred bytes. */
static int collect(struct records *records, const struct tar_entry *entry, struct error *err)
{
	if (strlen(entry->path) > 100 && add_record(records, "path", "", entry->path, strlen(entry->path), err) < 0)
		return -1;
	if (entry->target != NULL && strlen(entry->target) > 100 && add_record(records, "linkpath", "", entry->target, strlen(entry->target), err) < 0)
		return -1;
	if (entry->size > 077777777777 && add_number(records, "size", entry->size, err) < 0)
		return -1;
	if (entry->uid > 07777777 && add_number(records, "uid", entry->uid, err) < 0)
		return -1;
	if (entry->gid > 07777777 && add_number(records, "gid", entry->gid, err) < 0)
		return -1;
	if ((entry->mtime < 0 || entry->mtime > 077777777777 || entry->mtime_ns > 0) && add_time(records, entry, err) < 0)
		return -1;
	for (size_t i = 0; i < entry->xattr_count; i++)
		if (add_record(records, "SCHILY.xattr.", entry->xattrs[i].name, entry->xattrs[i].value, entry->xattrs[i].size, err) < 0)
			return -1;
	return 0;
}

static int write_padding(struct tar_writer *writer, size_t size, struct error *err)
{
	return size == 0 ? 0 : writer->write(writer->context, zeros, size, err);
}

static void put_name(char *field, size_t size, const char *name)
{
	size_t length = strlen(name);

	memcpy(field, name, length < size ? length : size);
}

static void put_numbers(struct tar_header *header, mode_t mode, uint32_t uid, uint32_t gid, uint64_t size, int64_t mtime)
{
	tar_number_write(header->mode, sizeof(header->mode), mode & 07777);
	tar_number_write(header->uid, sizeof(header->uid), uid);
	tar_number_write(header->gid, sizeof(header->gid), gid);
	tar_number_write(header->size, sizeof(header->size), size);
	tar_number_write(header->mtime, sizeof(header->mtime), mtime < 0 ? 0 : (uint64_t)mtime);
}

static int write_records(struct tar_writer *writer, const struct records *records, struct error *err)
{
	struct tar_header header = { .type = 'x' };

	put_name(header.name, sizeof(header.name), "././@PaxHeader");
	put_numbers(&header, 0644, 0, 0, records->size, 0);
	tar_header_seal(&header);
	if (writer->write(writer->context, &header, sizeof(header), err) < 0 || writer->write(writer->context, records->text, records->size, err) < 0)
		return -1;
	return write_padding(writer, (size_t)(-records->size & (TAR_BLOCK_SIZE - 1)), err);
}

int tar_writer_entry(struct tar_writer *writer, const struct tar_entry *entry, struct error *err)
{
	struct tar_header header = { .type = type_letters[entry->type] };
	struct records records = { 0 };
	uint64_t size = entry->type == TAR_FILE ? entry->size : 0;

	if (writer->left > 0)
		return error_set(err, EINVAL, "%.200s: the entry before is not whole", entry->path);
	if (strlen(entry->path) > TAR_PATH_MAX || (entry->target != NULL && strlen(entry->target) > TAR_PATH_MAX))
		return error_set(err, ENAMETOOLONG, "%.200s", entry->path);
	int result = write_padding(writer, writer->padding, err);

	writer->padding = 0;
	if (result == 0)
		result = collect(&records, entry, err);
	if (result == 0 && records.size > 0)
		result = write_records(writer, &records, err);
	free(records.text);
	if (result < 0)
		return -1;
	put_name(header.name, sizeof(header.name), entry->path);
	if (entry->target != NULL)
		put_name(header.link_name, sizeof(header.link_name), entry->target);
	put_numbers(&header, entry->mode, entry->uid, entry->gid, size, entry->mtime);
	tar_header_seal(&header);
	writer->left = size;
	writer->padding = (size_t)(-size & (TAR_BLOCK_SIZE - 1));
	return writer->write(writer->context, &header, sizeof(header), err);
}

int tar_writer_passed(struct tar_writer *writer, size_t size, struct error *err)
{
	if (size > writer->left)
		return error_set(err, EINVAL, "more bytes than the entry has");
	writer->left -= size;
	return 0;
}

int tar_writer_data(struct tar_writer *writer, const void *data, size_t size, struct error *err)
{
	if (tar_writer_passed(writer, size, err) < 0)
		return -1;
	if (data != NULL)
		return writer->write(writer->context, data, size, err);
	while (size > 0) {
		size_t count = size < sizeof(zeros) ? size : sizeof(zeros);

		if (writer->write(writer->context, zeros, count, err) < 0)
			return -1;
		size -= count;
	}
	return 0;
}

int tar_writer_end(struct tar_writer *writer, struct error *err)
{
	if (writer->left > 0)
		return error_set(err, EINVAL, "the last entry is not whole");
	if (write_padding(writer, writer->padding, err) < 0)
		return -1;
	writer->padding = 0;
	return writer->write(writer->context, zeros, 2 * TAR_BLOCK_SIZE, err);
}
