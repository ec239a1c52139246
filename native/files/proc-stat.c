#include "files/proc-stat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Fields of stat by their numbers in proc(5), behind the name, which is the second one. */
enum { STATE = 3, PARENT = 4, USER_TICKS = 14, SYSTEM_TICKS = 15, THREADS = 20, START_TICKS = 22, RESIDENT_PAGES = 24 };

/* A number with nothing but a space or the end behind it. Negative ones count as 0: priorities, and sizes that are not known. */
static int read_number(const char **at, uint64_t *ret_value)
{
	const char *begin = *at + (**at == '-');
	char *end;

	if (*begin < '0' || *begin > '9')
		return -1;
	errno = 0;
	unsigned long long value = strtoull(begin, &end, 10);

	if (errno != 0 || (*end != ' ' && *end != '\n' && *end != '\0'))
		return -1;
	*ret_value = begin == *at ? value : 0;
	*at = end;
	return 0;
}

static int read_fields(const char *at, uint64_t *values, int first, int last)
{
	for (int field = first; field <= last; field++) {
		if (*at != ' ')
			return -1;
		at++;
		if (read_number(&at, &values[field]) < 0)
			return -1;
	}
	return 0;
}

int proc_stat_read(const char *text, size_t size, struct proc_stat *ret_stat)
{
	uint64_t pid, values[RESIDENT_PAGES + 1] = { 0 };
	const char *at = text;

	if (strlen(text) != size || *text == '-' || read_number(&at, &pid) < 0 || pid == 0 || pid > INT32_MAX || at[0] != ' ' || at[1] != '(')
		return -1;
	const char *name = at + 2;
	/* Names may have parentheses, and what follows has none. */
	const char *end = strrchr(name, ')');

	if (end == NULL || end[1] != ' ' || end[2] < 'A' || end[2] > 'z' || read_fields(end + STATE, values, PARENT, RESIDENT_PAGES) < 0)
		return -1;
	if (values[PARENT] > INT32_MAX || values[THREADS] > INT32_MAX)
		return -1;
	*ret_stat = (struct proc_stat){
		.pid = (uint32_t)pid, .parent = (uint32_t)values[PARENT], .threads = (uint32_t)values[THREADS], .state = end[2],
		.cpu_ticks = values[USER_TICKS] + values[SYSTEM_TICKS], .start_ticks = values[START_TICKS], .resident_pages = values[RESIDENT_PAGES],
		.name = name, .name_size = (size_t)(end - name),
	};
	return 0;
}

int proc_status_uid(const char *text, uint32_t *ret_uid)
{
	/* The kernel writes a line feed of the name as two characters, so that this can only be the line itself. */
	const char *line = strstr(text, "\nUid:\t");
	uint32_t ids[2];

	if (line == NULL)
		return -1;
	const char *at = line + strlen("\nUid:\t");

	for (int i = 0; i < 2; i++, at++) {
		char *end;

		if (*at < '0' || *at > '9')
			return -1;
		errno = 0;
		unsigned long long value = strtoull(at, &end, 10);

		if (errno != 0 || value > UINT32_MAX || (*end != '\t' && *end != '\n'))
			return -1;
		ids[i] = (uint32_t)value;
		at = end;
	}
	*ret_uid = ids[1];
	return 0;
}
