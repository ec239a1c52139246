#include "lib/proc-stat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Fields of stat by their numbers in proc(5), behind the name and the state, which are the second and the third one. */
enum { PARENT = 4, SESSION = 6, USER_TICKS = 14, SYSTEM_TICKS = 15, THREADS = 20, START_TICKS = 22 };

/* A number with nothing but a space or the end behind it. Negative ones count as 0: priorities, and groups of terminals. */
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
	uint64_t pid, values[START_TICKS + 1] = { 0 };
	const char *at = text;

	if (strlen(text) != size || *text == '-' || read_number(&at, &pid) < 0 || pid == 0 || pid > INT32_MAX || at[0] != ' ' || at[1] != '(')
		return -1;
	const char *name = at + 2;
	/* Names may have parentheses, and what follows has none. */
	const char *end = strrchr(name, ')');

	if (end == NULL || end[1] != ' ' || end[2] < 'A' || end[2] > 'z' || read_fields(end + 3, values, PARENT, START_TICKS) < 0)
		return -1;
	if (values[PARENT] > INT32_MAX || values[SESSION] > INT32_MAX || values[THREADS] > INT32_MAX)
		return -1;
	*ret_stat = (struct proc_stat){
		.pid = (uint32_t)pid, .parent = (uint32_t)values[PARENT], .session = (uint32_t)values[SESSION], .threads = (uint32_t)values[THREADS], .state = end[2],
		.cpu_ticks = values[USER_TICKS] + values[SYSTEM_TICKS], .start_ticks = values[START_TICKS],
		.name = name, .name_size = (size_t)(end - name),
	};
	return 0;
}

/* A number behind spaces and tabs, with one of `ends` behind it. */
static int read_status_number(const char *at, const char *ends, uint64_t *ret_value, const char **ret_end)
{
	char *end;

	at += strspn(at, " \t");
	if (*at < '0' || *at > '9')
		return -1;
	errno = 0;
	unsigned long long value = strtoull(at, &end, 10);

	if (errno != 0 || *end == '\0' || strchr(ends, *end) == NULL)
		return -1;
	*ret_value = value;
	*ret_end = end;
	return 0;
}

/* What stands behind the name of a line, which is not the first. The kernel writes a line feed of a process's name as two characters, so that it can only be the line itself. */
static const char *find_line(const char *text, const char *name)
{
	const char *line = strstr(text, name);

	return line == NULL ? NULL : line + strlen(name);
}

int proc_status_read(const char *text, struct proc_status *ret_status)
{
	const char *at = find_line(text, "\nUid:"), *size = find_line(text, "\nVmRSS:");
	uint64_t real, effective;

	*ret_status = (struct proc_status){ 0 };
	if (at == NULL || read_status_number(at, "\t\n", &real, &at) < 0 || read_status_number(at, "\t\n", &effective, &at) < 0 || effective > UINT32_MAX)
		return -1;
	ret_status->uid = (uint32_t)effective;
	if (size != NULL && read_status_number(size, " ", &ret_status->resident_kib, &size) < 0)
		ret_status->resident_kib = 0;
	return 0;
}
