#include "tar/pax.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int pax_number(const char *text, const char *end, uint64_t max, uint64_t *ret_number, struct error *err)
{
	uint64_t number = 0;

	if (text == end)
		return error_set(err, EBADMSG, "a number is missing");
	for (; text < end; text++) {
		if (*text < '0' || *text > '9')
			return error_set(err, EBADMSG, "a number that is not decimal");
		uint64_t digit = (uint64_t)(*text - '0');

		if (number > (max - digit) / 10)
			return error_set(err, ERANGE, "a number that is too large");
		number = number * 10 + digit;
	}
	*ret_number = number;
	return 0;
}

int pax_add_segment(struct pax *pax, uint64_t offset, uint64_t size, struct error *err)
{
	if (pax->segment_count == TAR_SEGMENT_MAX)
		return error_set(err, E2BIG, "more than %d segments", TAR_SEGMENT_MAX);
	/* Powers of two, so that what is claimed costs nothing before it is there. */
	if ((pax->segment_count & (pax->segment_count - 1)) == 0) {
		size_t room = pax->segment_count == 0 ? 1 : pax->segment_count * 2;
		struct tar_segment *segments = realloc(pax->segments, room * sizeof(*segments));

		if (segments == NULL)
			return error_set(err, ENOMEM, "segments");
		pax->segments = segments;
	}
	pax->segments[pax->segment_count++] = (struct tar_segment){ offset, size };
	return 0;
}

static int take_name(const char **ret_name, const char *value, const char *end, struct error *err)
{
	if (strlen(value) != (size_t)(end - value))
		return error_set(err, EBADMSG, "a name with NUL");
	if (end - value > TAR_PATH_MAX)
		return error_set(err, ENAMETOOLONG, "a name of %zu bytes", (size_t)(end - value));
	/* An empty value takes back what a global header said, which we do not read. */
	*ret_name = end > value ? value : NULL;
	return 0;
}

static int take_id(bool *ret_has, uint32_t *ret_id, const char *value, const char *end, struct error *err)
{
	uint64_t id;

	/* 2^32-1 is nobody's: chown takes it for "leave it". */
	if (pax_number(value, end, UINT32_MAX - 1, &id, err) < 0)
		return -1;
	*ret_has = true;
	*ret_id = (uint32_t)id;
	return 0;
}

/* The first nine digits of a fraction. */
static uint32_t nanoseconds(const char *digits, const char *end)
{
	uint32_t number = 0;

	for (int i = 0; i < 9; i++) {
		bool is_digit = digits < end && *digits >= '0' && *digits <= '9';

		number = number * 10 + (is_digit ? (uint32_t)(*digits++ - '0') : 0);
	}
	return number;
}

/* Seconds with a sign and a fraction. */
static int take_time(struct pax *pax, const char *value, const char *end, struct error *err)
{
	bool negative = *value == '-';
	const char *digits = value + negative, *dot = memchr(digits, '.', (size_t)(end - digits));
	uint64_t seconds;

	if (pax_number(digits, dot != NULL ? dot : end, INT64_MAX, &seconds, err) < 0)
		return -1;
	uint32_t rest = dot != NULL ? nanoseconds(dot + 1, end) : 0;

	pax->has_mtime = true;
	pax->mtime = negative ? -(int64_t)seconds : (int64_t)seconds;
	pax->mtime_ns = rest;
	/* What is behind the seconds is counted forwards. */
	if (negative && rest > 0) {
		pax->mtime--;
		pax->mtime_ns = 1000000000 - rest;
	}
	return 0;
}

static int take_xattr(struct pax *pax, const char *name, const char *value, const char *end, struct error *err)
{
	for (size_t i = 0; i < pax->xattr_count; i++)
		if (strcmp(pax->xattrs[i].name, name) == 0)
			return error_set(err, EBADMSG, "an attribute twice");
	if (pax->xattr_count == TAR_XATTR_MAX)
		return error_set(err, E2BIG, "more than %d attributes", TAR_XATTR_MAX);
	pax->xattrs[pax->xattr_count++] = (struct tar_xattr){ name, (const uint8_t *)value, (size_t)(end - value) };
	return 0;
}

static int take_sparse(struct pax *pax, const char *keyword, const char *value, const char *end, struct error *err)
{
	uint64_t number;

	if (strcmp(keyword, "name") == 0)
		return take_name(&pax->sparse_name, value, end, err);
	if (strcmp(keyword, "map") == 0) {
		pax->sparse_map = value;
		return 0;
	}
	if (pax_number(value, end, INT64_MAX, &number, err) < 0)
		return -1;
	if (strcmp(keyword, "size") == 0 || strcmp(keyword, "realsize") == 0) {
		pax->has_real_size = true;
		pax->real_size = number;
	} else if (strcmp(keyword, "major") == 0) {
		pax->sparse_major = number;
	} else if (strcmp(keyword, "offset") == 0) {
		pax->has_sparse_numbers = true;
		return pax_add_segment(pax, number, 0, err);
	} else if (strcmp(keyword, "numbytes") == 0) {
		if (pax->segment_count == 0)
			return error_set(err, EBADMSG, "a segment without offset");
		pax->segments[pax->segment_count - 1].size = number;
	}
	return 0;
}

static int take(struct pax *pax, char *keyword, char *value, char *end, struct error *err)
{
	static const char xattr[] = "SCHILY.xattr.", sparse[] = "GNU.sparse.";

	if (strcmp(keyword, "path") == 0)
		return take_name(&pax->path, value, end, err);
	if (strcmp(keyword, "linkpath") == 0)
		return take_name(&pax->target, value, end, err);
	if (strcmp(keyword, "uid") == 0)
		return take_id(&pax->has_uid, &pax->uid, value, end, err);
	if (strcmp(keyword, "gid") == 0)
		return take_id(&pax->has_gid, &pax->gid, value, end, err);
	if (strcmp(keyword, "mtime") == 0)
		return take_time(pax, value, end, err);
	if (strcmp(keyword, "size") == 0) {
		pax->has_size = true;
		return pax_number(value, end, INT64_MAX, &pax->size, err);
	}
	if (strncmp(keyword, xattr, sizeof(xattr) - 1) == 0)
		return take_xattr(pax, keyword + sizeof(xattr) - 1, value, end, err);
	if (strncmp(keyword, sparse, sizeof(sparse) - 1) == 0)
		return take_sparse(pax, keyword + sizeof(sparse) - 1, value, end, err);
	return 0;
}

void pax_clear(struct pax *pax)
{
	free(pax->text);
	free(pax->segments);
	*pax = (struct pax){ 0 };
}

int pax_read(struct pax *pax, char *text, size_t size, struct error *err)
{
	char *end = text + size;

	pax_clear(pax);
	pax->text = text;
	while (text < end) {
		char *blank = memchr(text, ' ', (size_t)(end - text));
		uint64_t length;

		if (blank == NULL || pax_number(text, blank, size, &length, err) < 0)
			return error_set(err, EBADMSG, "pax header: a record without length");
		if (length > (size_t)(end - text) || length < (size_t)(blank - text) + 2 || text[length - 1] != '\n')
			return error_set(err, EBADMSG, "pax header: a record's length is wrong");
		char *next = text + length, *value = memchr(blank, '=', (size_t)(next - blank));

		if (value == NULL || memchr(blank, '\0', (size_t)(value - blank)) != NULL)
			return error_set(err, EBADMSG, "pax header: a record without keyword");
		*value++ = '\0';
		next[-1] = '\0';
		if (take(pax, blank + 1, value, next - 1, err) < 0)
			return error_set(err, err->number, "pax header: %.40s: %.100s", blank + 1, err->detail);
		text = next;
	}
	return 0;
}
