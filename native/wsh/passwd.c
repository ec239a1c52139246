#include "wsh/passwd.h"

#include <string.h>

enum { FIELDS = 7, NAME = 0, UID = 2, GID = 3, HOME = 5, MAX_DIGITS = 10 };

bool passwd_read_id(const char *text, size_t size, uint32_t *ret_id)
{
	uint64_t value = 0;

	if (size == 0 || size > MAX_DIGITS || (text[0] == '0' && size > 1))
		return false;
	for (size_t i = 0; i < size; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(text[i] - '0');
	}
	/* The largest one means "no change" to setresuid(2). */
	if (value >= UINT32_MAX)
		return false;
	*ret_id = (uint32_t)value;
	return true;
}

/* Cuts the line at its colons. */
static bool split(char *line, size_t length, char *ret_fields[FIELDS])
{
	size_t count = 0;
	char *end = line + length;

	*end = '\0';
	ret_fields[count++] = line;
	for (char *at = line; at < end; at++) {
		if (*at != ':')
			continue;
		if (count == FIELDS)
			return false;
		*at = '\0';
		ret_fields[count++] = at + 1;
	}
	return count == FIELDS;
}

static void end_line(struct passwd_search *search)
{
	char *fields[FIELDS];
	uint32_t uid, gid;

	if (search->unusable || memchr(search->line, '\0', search->length) != NULL || !split(search->line, search->length, fields))
		return;
	if (fields[NAME][0] == '\0' || (search->name != NULL && strcmp(fields[NAME], search->name) != 0))
		return;
	if (!passwd_read_id(fields[UID], strlen(fields[UID]), &uid) || !passwd_read_id(fields[GID], strlen(fields[GID]), &gid))
		return;
	if (search->name == NULL && uid != search->wanted_uid)
		return;
	search->found = true;
	search->uid = uid;
	search->gid = gid;
	search->user = fields[NAME];
	search->home = fields[HOME];
}

bool passwd_feed(struct passwd_search *search, const char *data, size_t size)
{
	for (size_t i = 0; i < size && !search->found; i++) {
		if (data[i] == '\n') {
			end_line(search);
			if (search->found)
				break;
			search->length = 0;
			search->unusable = false;
		} else if (search->length == PASSWD_MAX_LINE) {
			search->unusable = true;
		} else {
			search->line[search->length++] = data[i];
		}
	}
	return search->found;
}

bool passwd_end(struct passwd_search *search)
{
	if (!search->found)
		end_line(search);
	return search->found;
}
