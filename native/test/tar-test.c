/* tar/: what is written is read again, and what nobody should write is refused. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tar/tar-reader.h"
#include "tar/tar-writer.h"
#include "test/tap.h"

enum { ROOM = 4 << 20 };

/* An archive in memory, read in pieces of at most `step` bytes. */
struct memory {
	uint8_t *data;
	size_t size, at, step;
};

static int put(void *context, const void *data, size_t size, struct error *err)
{
	struct memory *memory = context;

	if (size > ROOM - memory->size)
		return error_set(err, ENOSPC, "memory");
	memcpy(memory->data + memory->size, data, size);
	memory->size += size;
	return 0;
}

static ssize_t get(void *context, void *ret_data, size_t size, struct error *err)
{
	struct memory *memory = context;
	size_t count = memory->size - memory->at;

	(void)err;
	count = count < size ? count : size;
	count = count < memory->step ? count : memory->step;
	memcpy(ret_data, memory->data + memory->at, count);
	memory->at += count;
	return (ssize_t)count;
}

static struct memory new_memory(void)
{
	return (struct memory){ .data = malloc(ROOM), .step = SIZE_MAX };
}

/* The error's number, or 0; *ret_count entries were read with all their data. */
static int read_all(struct memory *memory, int *ret_count)
{
	struct error err = { 0 };
	struct tar_reader reader;
	const struct tar_entry *entry;
	const void *data;
	uint64_t offset;
	size_t size;
	int result;

	*ret_count = 0;
	memory->at = 0;
	tar_reader_init(&reader, get, memory, &err);
	while ((result = tar_reader_next(&reader, &entry, &err)) > 0) {
		while ((result = tar_reader_data(&reader, &data, &size, &offset, &err)) > 0)
			;
		if (result < 0)
			break;
		(*ret_count)++;
	}
	tar_reader_free(&reader);
	return result == 0 ? 0 : err.number;
}

static void test_round_trip(size_t step)
{
	static const uint8_t capability[] = { 1, 0, 0, 2, 0, 0xff, '\n', '=', 0 };
	const struct tar_xattr xattrs[] = { { "security.capability", capability, sizeof(capability) }, { "user.empty", capability, 0 } };
	char name[1200], raw[] = "d\xff\xfe\x80/\n=7 x";
	struct memory memory = new_memory();
	struct tar_writer writer;
	struct error err = { 0 };

	memset(name, 'n', sizeof(name));
	for (size_t i = 99; i < sizeof(name); i += 100)
		name[i] = '/';
	name[sizeof(name) - 1] = '\0';
	const struct tar_entry entries[] = {
		{ .type = TAR_DIRECTORY, .path = "./", .mode = 0755, .mtime = -5, .mtime_ns = 1 },
		{ .type = TAR_FILE, .path = name, .mode = 04711, .uid = UINT32_MAX - 1, .gid = 07777777, .size = 700, .mtime = INT64_MAX, .xattrs = xattrs, .xattr_count = 2 },
		{ .type = TAR_SYMLINK, .path = raw, .target = name, .mode = 0777 },
		{ .type = TAR_HARD_LINK, .path = "link", .target = raw, .uid = 1, .mtime = 1, .mtime_ns = 999999999 },
		{ .type = TAR_FIFO, .path = "fifo", .mode = 01600, .gid = 010000000 },
		{ .type = TAR_FILE, .path = "empty" },
	};
	const size_t count = sizeof(entries) / sizeof(*entries);

	tar_writer_init(&writer, put, &memory);
	for (size_t i = 0; i < count; i++) {
		CHECK(tar_writer_entry(&writer, &entries[i], &err) == 0, "an entry is written");
		if (entries[i].size > 0)
			CHECK(tar_writer_entry(&writer, &entries[i], &err) < 0 && tar_writer_data(&writer, name, 300, &err) == 0 && tar_writer_data(&writer, NULL, 400, &err) == 0 && tar_writer_data(&writer, "x", 1, &err) < 0, "its data, no less and no more");
	}
	CHECK(tar_writer_end(&writer, &err) == 0 && memory.size % TAR_BLOCK_SIZE == 0, "and the end");

	struct tar_reader reader;
	const struct tar_entry *entry;

	memory.step = step;
	tar_reader_init(&reader, get, &memory, &err);
	for (size_t i = 0; i < count; i++) {
		const struct tar_entry *expected = &entries[i];

		if (!CHECK(tar_reader_next(&reader, &entry, &err) == 1, "an entry is read"))
			break;
		CHECK(entry->type == expected->type && strcmp(entry->path, expected->path) == 0 && entry->mode == expected->mode && entry->uid == expected->uid && entry->gid == expected->gid && entry->size == expected->size && entry->mtime == expected->mtime && entry->mtime_ns == expected->mtime_ns, "as it was written");
		CHECK((entry->target == NULL) == (expected->target == NULL) && (entry->target == NULL || strcmp(entry->target, expected->target) == 0), "with its target");
		CHECK(entry->xattr_count == expected->xattr_count && (entry->xattr_count == 0 || (strcmp(entry->xattrs[0].name, "security.capability") == 0 && entry->xattrs[0].size == sizeof(capability) && memcmp(entry->xattrs[0].value, capability, sizeof(capability)) == 0 && entry->xattrs[1].size == 0)), "and its attributes, of any bytes");
		const void *data;
		uint64_t offset, seen = 0;
		size_t size;
		bool right = true;

		while (tar_reader_data(&reader, &data, &size, &offset, &err) > 0) {
			for (size_t j = 0; j < size; j++)
				right = right && ((const uint8_t *)data)[j] == (offset + j < 300 ? (uint8_t)name[offset + j] : 0);
			seen += size;
		}
		CHECK(right && seen == expected->size, "and its data");
	}
	CHECK(tar_reader_next(&reader, &entry, &err) == 0 && tar_reader_next(&reader, &entry, &err) == 0, "then it has ended");
	tar_reader_free(&reader);
	memory.step = SIZE_MAX;
	int read, failures = 0;

	for (size_t size = memory.size - TAR_BLOCK_SIZE - 1, i = 0; i < 60 && size > 0; size -= size < 97 ? size : 97, i++) {
		struct memory cut = memory;

		cut.size = size;
		failures += read_all(&cut, &read) == EBADMSG;
	}
	CHECK(failures > 30, "one that is cut off is not taken for whole");
	free(memory.data);
}

static void seal(struct memory *memory, struct tar_header *header)
{
	struct error ignored;

	tar_header_seal(header);
	put(memory, header, sizeof(*header), &ignored);
}

/* One header, what is put behind it, and the end. */
static int read_one(struct tar_header header, const char *data, size_t size)
{
	static const uint8_t zeros[2 * TAR_BLOCK_SIZE];
	struct memory memory = new_memory();
	struct error ignored;
	int count;

	seal(&memory, &header);
	put(&memory, data, size, &ignored);
	put(&memory, zeros, (size_t)(-size & (TAR_BLOCK_SIZE - 1)), &ignored);
	if (header.type == 'x' || header.type == 'L' || header.type == 'g') {
		struct tar_header file = { .name = "f", .type = '0' };

		seal(&memory, &file);
	}
	put(&memory, zeros, sizeof(zeros), &ignored);
	int result = read_all(&memory, &count);

	free(memory.data);
	return result;
}

static int read_pax(const char *text, size_t size)
{
	struct tar_header header = { .name = "x", .type = 'x' };

	tar_number_write(header.size, sizeof(header.size), size);
	return read_one(header, text, size);
}

/* Of one record. */
static void test_time(const char *text, int64_t seconds, uint32_t ns)
{
	struct error err = { 0 };
	struct pax pax = { 0 };
	char *copy = strdup(text);

	CHECK(pax_read(&pax, copy, strlen(text), &err) == 0 && pax.mtime == seconds && pax.mtime_ns == ns, "a time with a fraction");
	pax_clear(&pax);
}

static void test_pax(void)
{
	static const struct {
		const char *text;
		int expected;
	} cases[] = {
		{ "9 path=x\n", 0 }, { "10 path=x\n", 0 }, { "11 path=x\n", EBADMSG }, { "8 path=x\n", EBADMSG }, { "9 path=xx", EBADMSG }, { " path=x\n", EBADMSG }, { "-9 path=x\n", EBADMSG }, { "9 pathxx\n", EBADMSG },
		{ "99999999999999999999999 path=x\n", EBADMSG }, { "0 path=x\n", EBADMSG }, { "4 x=\n", EBADMSG }, { "5 x=\n", 0 },
		{ "18 uid=4294967295\n", ERANGE }, { "19 uid=4294967294\n", EBADMSG }, { "18 uid=4294967294\n", 0 }, { "10 uid=-1\n", EBADMSG }, { "9 uid=1x\n", EBADMSG },
		{ "28 size=9223372036854775808\n", ERANGE }, { "12 mtime=-5\n", 0 }, { "15 mtime=-5.99\n", 0 }, { "11 mtime=x\n", EBADMSG },
		{ "25 GNU.sparse.offset=5\n", EBADMSG }, { "24 GNU.sparse.numbytes=5\n", EBADMSG }, { "26 GNU.sparse.numbytes=5\n", EBADMSG }, { "23 GNU.sparse.map=0,1\n", EBADMSG },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int result = read_pax(cases[i].text, strlen(cases[i].text));

		if (!CHECK(result == cases[i].expected, cases[i].expected == 0 ? "a record is taken" : "a record is refused"))
			printf("# %s: %d\n", cases[i].text, result);
	}
	CHECK(read_pax("11 path=a\0b\n", 12) == EBADMSG && read_pax("12 path=a\0b\n", 12) == EBADMSG, "a name with NUL");
	CHECK(read_pax("12 pa\0th=ab\n", 12) == EBADMSG, "a keyword with NUL");
	test_time("18 mtime=12.05xyz\n", 12, 50000000);
	test_time("29 mtime=12.1234567891234567\n", 12, 123456789);
	test_time("12 mtime=5.\n", 5, 0);
	test_time("15 mtime=-5.25\n", -6, 750000000);
	test_time("14 mtime=-5.0\n", -5, 0);
	/* The next record is seen, where the one before ends in NUL. */
	CHECK(read_pax("9 path=x\n18 uid=4294967295\n", 27) == ERANGE, "records behind each other");
}

static void test_headers(void)
{
	struct tar_header header = { .name = "f", .type = '0' };
	struct tar_header other = header;

	tar_number_write(other.size, sizeof(other.size), UINT64_MAX >> 1);
	CHECK(read_one(other, "", 0) == EBADMSG, "more data than there is");
	memset(other.size, 0xff, sizeof(other.size));
	CHECK(read_one(other, "", 0) == EBADMSG, "a negative size");
	other = header;
	memcpy(other.size, "\x80\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12);
	CHECK(read_one(other, "", 0) == ERANGE, "a size of more than 64 bits");
	other = header;
	memcpy(other.uid, "12a\0\0\0\0", 8);
	CHECK(read_one(other, "", 0) == EBADMSG, "a number that is none");
	other = header;
	other.type = 'M';
	CHECK(read_one(other, "", 0) == EBADMSG, "an entry of a kind that nobody knows");
	other = header;
	other.type = 'x';
	tar_number_write(other.size, sizeof(other.size), PAX_MAX + 1);
	CHECK(read_one(other, "", 0) == E2BIG, "a header of more than a mebibyte");
	other.type = 'g';
	CHECK(read_one(other, "", 0) == E2BIG, "a global one");
	other.type = 'L';
	tar_number_write(other.size, sizeof(other.size), 5000);
	CHECK(read_one(other, "", 0) == ENAMETOOLONG, "a name that is too long");
	memset(&other, 'x', sizeof(other));
	struct memory memory = new_memory();
	struct error ignored;
	int count;

	put(&memory, &other, sizeof(other), &ignored);
	CHECK(read_all(&memory, &count) == EBADMSG, "what is no archive");
	memory.size = 0;
	CHECK(read_all(&memory, &count) == EBADMSG, "nothing");
	free(memory.data);
}

/* Old GNU: four segments in the header, 21 in each block behind it. */
static int read_sparse(uint64_t real_size, const uint64_t (*segments)[2], size_t count, bool more, uint64_t stored)
{
	struct tar_header header = { .name = "f", .type = 'S' };
	struct tar_segments block = { .is_extended = (char)more };
	char data[2 * TAR_BLOCK_SIZE] = "";

	for (size_t i = 0; i < count; i++)
		for (int j = 0; j < 2; j++)
			tar_number_write(i < 4 ? header.gnu.segments[i][j] : block.segments[i - 4][j], 12, segments[i][j]);
	tar_number_write(header.gnu.real_size, 12, real_size);
	tar_number_write(header.size, 12, stored);
	header.gnu.is_extended = count > 4 || more;
	memcpy(data, &block, sizeof(block));
	return read_one(header, header.gnu.is_extended ? data : data + TAR_BLOCK_SIZE, (header.gnu.is_extended ? TAR_BLOCK_SIZE : 0) + TAR_BLOCK_SIZE);
}

static void test_sparse(void)
{
	CHECK(read_sparse(100, (const uint64_t[][2]){ { 0, 5 }, { 50, 5 } }, 2, false, 10) == 0, "a sparse file");
	CHECK(read_sparse(100, (const uint64_t[][2]){ { 0, 1 }, { 2, 1 }, { 4, 1 }, { 6, 1 }, { 8, 1 } }, 5, false, 5) == 0, "one of more segments than a header holds");
	CHECK(read_sparse(1ull << 62, (const uint64_t[][2]){ { 0, 5 } }, 1, false, 5) == 0, "one of 2^62 bytes is one");
	CHECK(read_sparse(100, (const uint64_t[][2]){ { 50, 5 }, { 0, 5 } }, 2, false, 10) == EBADMSG, "segments in disorder");
	CHECK(read_sparse(100, (const uint64_t[][2]){ { 0, 5 }, { 4, 5 } }, 2, false, 10) == EBADMSG, "that overlap");
	CHECK(read_sparse(100, (const uint64_t[][2]){ { 99, 5 } }, 1, false, 5) == EBADMSG, "beyond the end");
	CHECK(read_sparse(100, (const uint64_t[][2]){ { 0, 5 } }, 1, false, 6) == EBADMSG, "with more data than they say");
	CHECK(read_sparse(100, (const uint64_t[][2]){ { INT64_MAX, INT64_MAX } }, 1, false, 5) == EBADMSG, "whose sum is beyond all numbers");
	CHECK(read_sparse(100, (const uint64_t[][2]){ { 0, 5 } }, 1, true, 5) == EBADMSG, "a list that goes on without any");
}

int main(void)
{
	test_round_trip(SIZE_MAX);
	test_round_trip(7);
	test_pax();
	test_headers();
	test_sparse();
	return tap_end();
}
