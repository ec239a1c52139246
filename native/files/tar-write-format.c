#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "files/tar-format.h"

enum { NAME_SIZE = 100, OCTAL_SIZE_LIMIT = 33 };

struct record_list {
	char text[2 * (TAR_MAX_PATH + 64) + 256];
	size_t size;
};

static size_t digits(size_t value)
{
	size_t count = 1;

	for (; value >= 10; value /= 10)
		count++;
	return count;
}

/* "LENGTH KEY=VALUE\n", where the length counts its own digits. */
static void add_record(struct record_list *records, const char *key, const char *value, size_t value_size)
{
	size_t rest = strlen(key) + value_size + 3, length = rest + digits(rest);

	if (digits(length) != digits(rest))
		length = rest + digits(length);
	records->size += (size_t)sprintf(records->text + records->size, "%zu %s=", length, key);
	memcpy(records->text + records->size, value, value_size);
	records->size += value_size;
	records->text[records->size++] = '\n';
}

static void put_octal(uint8_t *field, size_t size, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%0*" PRIo64, (int)size - 1, value);
	memcpy(field, text, size - 1);
	field[size - 1] = '\0';
}

static void put_block(uint8_t *block, const struct tar_entry *entry, const char *path, char type, uint64_t size)
{
	unsigned int sum = 0;
	size_t path_size = strlen(path), target_size = strlen(entry->target);

	memset(block, 0, TAR_BLOCK);
	memcpy(block, path, path_size < NAME_SIZE ? path_size : NAME_SIZE);
	put_octal(block + 100, 8, entry->mode & 07777);
	put_octal(block + 108, 8, entry->uid <= 07777777 ? entry->uid : 0);
	put_octal(block + 116, 8, entry->gid <= 07777777 ? entry->gid : 0);
	put_octal(block + 124, 12, size < 1ull << OCTAL_SIZE_LIMIT ? size : 0);
	put_octal(block + 136, 12, entry->modified.tv_sec > 0 && entry->modified.tv_sec < 1ll << OCTAL_SIZE_LIMIT ? (uint64_t)entry->modified.tv_sec : 0);
	memset(block + 148, ' ', 8);
	block[156] = (uint8_t)type;
	if (type == TAR_SYMLINK)
		memcpy(block + 157, entry->target, target_size < NAME_SIZE ? target_size : NAME_SIZE);
	memcpy(block + 257, "ustar\00000", 8);
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += block[i];
	snprintf((char *)block + 148, 8, "%06o", sum);
	block[155] = ' ';
}

size_t tar_write_header(const struct tar_entry *entry, uint8_t *ret_header)
{
	struct record_list records = { .size = 0 };
	char number[32];
	size_t at = 0;

	if (strlen(entry->path) > NAME_SIZE)
		add_record(&records, "path", entry->path, strlen(entry->path));
	if (entry->type == TAR_SYMLINK && strlen(entry->target) > NAME_SIZE)
		add_record(&records, "linkpath", entry->target, strlen(entry->target));
	if (entry->size >= 1ull << OCTAL_SIZE_LIMIT)
		add_record(&records, "size", number, (size_t)sprintf(number, "%" PRIu64, entry->size));
	if (entry->modified.tv_nsec != 0 && entry->modified.tv_sec >= 0)
		add_record(&records, "mtime", number, (size_t)sprintf(number, "%lld.%09ld", (long long)entry->modified.tv_sec, entry->modified.tv_nsec));
	if (records.size > 0) {
		put_block(ret_header, &(struct tar_entry){ .mode = 0644 }, "pax-header", TAR_PAX, records.size);
		memset(ret_header + TAR_BLOCK, 0, tar_padded(records.size));
		memcpy(ret_header + TAR_BLOCK, records.text, records.size);
		at = TAR_BLOCK + tar_padded(records.size);
	}
	put_block(ret_header + at, entry, entry->path, entry->type, entry->size);
	return at + TAR_BLOCK;
}
