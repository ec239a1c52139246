#include "tar/tar-header.h"

#include <errno.h>
#include <string.h>

static int read_binary(const uint8_t *field, size_t size, uint64_t *ret_number, struct error *err)
{
	/* The highest bit says that it is one, the next is the sign. */
	if (field[0] & 0x40)
		return error_set(err, EBADMSG, "a negative number");
	uint64_t number = field[0] & 0x3f;

	for (size_t i = 1; i < size; i++) {
		if (number >> 56)
			return error_set(err, ERANGE, "a number of more than 64 bits");
		number = number << 8 | field[i];
	}
	*ret_number = number;
	return 0;
}

static int read_octal(const char *field, size_t size, uint64_t *ret_number, struct error *err)
{
	uint64_t number = 0;
	size_t at = 0;

	while (at < size && field[at] == ' ')
		at++;
	/* At most 12 digits: they cannot overflow. */
	for (; at < size && field[at] >= '0' && field[at] <= '7'; at++)
		number = number << 3 | (uint64_t)(field[at] - '0');
	for (; at < size; at++)
		if (field[at] != ' ' && field[at] != '\0')
			return error_set(err, EBADMSG, "a number that is not octal");
	*ret_number = number;
	return 0;
}

int tar_number_read(const char *field, size_t size, uint64_t max, uint64_t *ret_number, struct error *err)
{
	int result = (uint8_t)field[0] & 0x80 ? read_binary((const uint8_t *)field, size, ret_number, err) : read_octal(field, size, ret_number, err);

	if (result == 0 && *ret_number > max)
		return error_set(err, ERANGE, "a number that is too large");
	return result;
}

void tar_number_write(char *field, size_t size, uint64_t number)
{
	/* The last byte of an octal field is NUL. */
	if (size > 21 || number >> (3 * (size - 1)) == 0) {
		field[size - 1] = '\0';
		for (size_t i = size - 1; i-- > 0; number >>= 3)
			field[i] = (char)('0' + (number & 7));
		return;
	}
	for (size_t i = size; i-- > 0; number >>= 8)
		field[i] = (char)(number & 0xff);
	field[0] = (char)(field[0] | 0x80);
}

bool tar_header_is_zero(const struct tar_header *header)
{
	static const struct tar_header zero;

	return memcmp(header, &zero, sizeof(zero)) == 0;
}

static void sums(const struct tar_header *header, uint64_t *ret_unsigned, int64_t *ret_signed)
{
	const uint8_t *bytes = (const uint8_t *)header;
	size_t first = offsetof(struct tar_header, checksum), last = first + sizeof(header->checksum);

	*ret_unsigned = 0;
	*ret_signed = 0;
	for (size_t i = 0; i < TAR_BLOCK_SIZE; i++) {
		uint8_t byte = i >= first && i < last ? ' ' : bytes[i];

		*ret_unsigned += byte;
		*ret_signed += (int8_t)byte;
	}
}

bool tar_header_is_valid(const struct tar_header *header)
{
	uint64_t told, computed;
	int64_t with_signs;
	struct error ignored;

	if (tar_number_read(header->checksum, sizeof(header->checksum), UINT64_MAX, &told, &ignored) < 0)
		return false;
	sums(header, &computed, &with_signs);
	return told == computed || (with_signs >= 0 && told == (uint64_t)with_signs);
}

void tar_header_seal(struct tar_header *header)
{
	uint64_t computed;
	int64_t unused;

	memcpy(header->magic, "ustar", 6);
	memcpy(header->version, "00", 2);
	sums(header, &computed, &unused);
	tar_number_write(header->checksum, 7, computed);
	header->checksum[7] = ' ';
}
