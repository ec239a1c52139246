#include <errno.h>
#include <string.h>

#include "files/tar-format.h"

/* Where a field begins, and its size. */
enum {
	NAME = 0, NAME_SIZE = 100, MODE = 100, ID_SIZE = 8, UID = 108, GID = 116, SIZE = 124, SIZE_SIZE = 12, MODIFIED = 136, CHECKSUM = 148, CHECKSUM_SIZE = 8, TYPE = 156,
	TARGET = 157, MAGIC = 257, PREFIX = 345, PREFIX_SIZE = 155,
};

static int malformed(struct error *err, const char *what)
{
	return error_set(err, EBADMSG, "%s", what);
}

/* Octal digits between spaces and NULs, or GNU's base 256. */
static int read_number(const uint8_t *field, size_t size, uint64_t *ret_value, struct error *err)
{
	uint64_t value = 0;
	size_t i = 0;

	if (field[0] == 0x80) {
		for (i = 1; i < size; i++) {
			if (value > UINT64_MAX >> 8)
				return malformed(err, "a number that is too large");
			value = value << 8 | field[i];
		}
		*ret_value = value;
		return 0;
	}
	while (i < size && field[i] == ' ')
		i++;
	for (; i < size && field[i] >= '0' && field[i] <= '7'; i++)
		value = value << 3 | (uint64_t)(field[i] - '0');
	for (; i < size; i++)
		if (field[i] != ' ' && field[i] != '\0')
			return malformed(err, "a number that is none");
	*ret_value = value;
	return 0;
}

/* The sum of the header's bytes, its own field counted as spaces; old programs have summed signed bytes. */
static int check_sum(const uint8_t *block, struct error *err)
{
	uint64_t expected, plain = 0;
	int64_t with_sign = 0;

	if (read_number(block + CHECKSUM, CHECKSUM_SIZE, &expected, err) < 0)
		return -1;
	for (size_t i = 0; i < TAR_BLOCK; i++) {
		uint8_t byte = i >= CHECKSUM && i < CHECKSUM + CHECKSUM_SIZE ? ' ' : block[i];

		plain += byte;
		with_sign += (int8_t)byte;
	}
	return expected == plain || (int64_t)expected == with_sign ? 0 : malformed(err, "a header whose checksum is wrong");
}

static void read_text(const uint8_t *field, size_t size, char *ret_text)
{
	size_t length = strnlen((const char *)field, size);

	memcpy(ret_text, field, length);
	ret_text[length] = '\0';
}

/* Only POSIX's form has a prefix; GNU's has other things there. */
static void read_path(const uint8_t *block, char *ret_path)
{
	char name[NAME_SIZE + 1];
	size_t length = 0;

	read_text(block + NAME, NAME_SIZE, name);
	if (memcmp(block + MAGIC, "ustar\0", 6) == 0 && block[PREFIX] != '\0') {
		read_text(block + PREFIX, PREFIX_SIZE, ret_path);
		length = strlen(ret_path);
		ret_path[length++] = '/';
	}
	strcpy(ret_path + length, name);
}

static bool is_zero(const uint8_t *block)
{
	for (size_t i = 0; i < TAR_BLOCK; i++)
		if (block[i] != 0)
			return false;
	return true;
}

static int check_size(uint64_t size, struct error *err)
{
	return size <= INT64_MAX - TAR_BLOCK ? 0 : malformed(err, "an entry that is too large");
}

int tar_read_header(const uint8_t *block, struct tar_entry *ret_entry, struct error *err)
{
	uint64_t mode, uid, gid, size, modified;

	if (is_zero(block))
		return 0;
	if (check_sum(block, err) < 0 || read_number(block + MODE, ID_SIZE, &mode, err) < 0 || read_number(block + UID, ID_SIZE, &uid, err) < 0 ||
	    read_number(block + GID, ID_SIZE, &gid, err) < 0 || read_number(block + SIZE, SIZE_SIZE, &size, err) < 0 || check_size(size, err) < 0)
		return -1;
	/* A time before the epoch, which GNU writes in base 256, is no reason to refuse anything. */
	if (read_number(block + MODIFIED, SIZE_SIZE, &modified, &(struct error){ 0 }) < 0 || modified > INT64_MAX)
		modified = 0;
	memset(ret_entry, 0, offsetof(struct tar_entry, path) + 1);
	ret_entry->type = block[TYPE] == '\0' || block[TYPE] == '7' ? TAR_FILE : (char)block[TYPE];
	read_path(block, ret_entry->path);
	read_text(block + TARGET, NAME_SIZE, ret_entry->target);
	/* Before there was a type for them, directories were files whose name ends so. */
	if (ret_entry->type == TAR_FILE && ret_entry->path[0] != '\0' && ret_entry->path[strlen(ret_entry->path) - 1] == '/')
		ret_entry->type = TAR_DIRECTORY;
	ret_entry->mode = (uint32_t)mode & 07777;
	ret_entry->uid = uid < UINT32_MAX ? (uint32_t)uid : UINT32_MAX - 1;
	ret_entry->gid = gid < UINT32_MAX ? (uint32_t)gid : UINT32_MAX - 1;
	ret_entry->size = size;
	ret_entry->modified = (struct timespec){ .tv_sec = (time_t)modified };
	ret_entry->sparse = ret_entry->type == TAR_GNU_SPARSE;
	return 1;
}

static int take_text(const char *value, size_t size, char *ret_text, struct error *err)
{
	if (size > TAR_MAX_PATH)
		return error_set(err, ENAMETOOLONG, "a path of %zu bytes", size);
	if (memchr(value, '\0', size) != NULL)
		return malformed(err, "a path with a NUL");
	memcpy(ret_text, value, size);
	ret_text[size] = '\0';
	return 0;
}

static int take_decimal(const char *value, size_t size, uint64_t *ret_value, struct error *err)
{
	*ret_value = 0;
	if (size == 0 || size > 19)
		return malformed(err, "a number that is none");
	for (size_t i = 0; i < size; i++) {
		if (value[i] < '0' || value[i] > '9')
			return malformed(err, "a number that is none");
		*ret_value = *ret_value * 10 + (uint64_t)(value[i] - '0');
	}
	return 0;
}

/* Seconds, perhaps with a fraction; one before the epoch is left out. */
static void take_time(const char *value, size_t size, struct tar_overrides *overrides)
{
	const char *point = memchr(value, '.', size);
	uint64_t seconds;
	long nanoseconds = 0, scale = 100000000;

	if (take_decimal(value, point != NULL ? (size_t)(point - value) : size, &seconds, &(struct error){ 0 }) < 0 || seconds > INT64_MAX)
		return;
	for (const char *digit = point != NULL ? point + 1 : value + size; digit < value + size && *digit >= '0' && *digit <= '9'; digit++, scale /= 10)
		nanoseconds += (*digit - '0') * scale;
	overrides->has_modified = true;
	overrides->values.modified = (struct timespec){ .tv_sec = (time_t)seconds, .tv_nsec = nanoseconds };
}

static bool is_key(const char *key, size_t size, const char *name)
{
	return strlen(name) == size && memcmp(key, name, size) == 0;
}

static int take_record(const char *key, size_t key_size, const char *value, size_t size, struct tar_overrides *overrides, struct error *err)
{
	uint64_t number;

	if (is_key(key, key_size, "path")) {
		overrides->has_path = true;
		return take_text(value, size, overrides->values.path, err);
	}
	if (is_key(key, key_size, "linkpath")) {
		overrides->has_target = true;
		return take_text(value, size, overrides->values.target, err);
	}
	if (is_key(key, key_size, "mtime")) {
		take_time(value, size, overrides);
		return 0;
	}
	if (is_key(key, key_size, "size")) {
		overrides->has_size = true;
		if (take_decimal(value, size, &overrides->values.size, err) < 0)
			return -1;
		return check_size(overrides->values.size, err);
	}
	if (is_key(key, key_size, "uid") || is_key(key, key_size, "gid")) {
		if (take_decimal(value, size, &number, err) < 0)
			return -1;
		uint32_t id = number < UINT32_MAX ? (uint32_t)number : UINT32_MAX - 1;

		if (key[0] == 'u') {
			overrides->has_uid = true;
			overrides->values.uid = id;
		} else {
			overrides->has_gid = true;
			overrides->values.gid = id;
		}
		return 0;
	}
	if (key_size > 11 && memcmp(key, "GNU.sparse.", 11) == 0)
		overrides->sparse = true;
	return 0;
}

int tar_read_records(const char *data, size_t size, struct tar_overrides *overrides, struct error *err)
{
	while (size > 0) {
		const char *space = memchr(data, ' ', size < 21 ? size : 21);
		uint64_t length;

		if (space == NULL || take_decimal(data, (size_t)(space - data), &length, err) < 0)
			return malformed(err, "a record without a length");
		if (length > size || length < (size_t)(space - data) + 3 || data[length - 1] != '\n')
			return malformed(err, "a record whose length is wrong");
		const char *key = space + 1, *end = data + length - 1, *equals = memchr(key, '=', (size_t)(end - key));

		if (equals == NULL)
			return malformed(err, "a record without a value");
		if (take_record(key, (size_t)(equals - key), equals + 1, (size_t)(end - equals - 1), overrides, err) < 0)
			return -1;
		data += length;
		size -= length;
	}
	return 0;
}

int tar_read_long(const char *data, size_t size, bool is_target, struct tar_overrides *overrides, struct error *err)
{
	if (is_target)
		overrides->has_target = true;
	else
		overrides->has_path = true;
	return take_text(data, strnlen(data, size), is_target ? overrides->values.target : overrides->values.path, err);
}

void tar_override(const struct tar_overrides *overrides, struct tar_entry *entry)
{
	if (overrides->has_path)
		strcpy(entry->path, overrides->values.path);
	if (overrides->has_target)
		strcpy(entry->target, overrides->values.target);
	if (overrides->has_size)
		entry->size = overrides->values.size;
	if (overrides->has_uid)
		entry->uid = overrides->values.uid;
	if (overrides->has_gid)
		entry->gid = overrides->values.gid;
	if (overrides->has_modified)
		entry->modified = overrides->values.modified;
	entry->sparse |= overrides->sparse;
}

uint64_t tar_padded(uint64_t size)
{
	return (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
}
