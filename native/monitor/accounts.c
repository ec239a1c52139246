#include "monitor/accounts.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool is_line_of(const char *line, size_t length, const char *name)
{
	size_t name_length = strlen(name);

	return length >= name_length && memcmp(line, name, name_length) == 0 && (length == name_length || line[name_length] == ':');
}

int accounts_replace(const char *text, size_t size, const char *name, const char *line, char **ret_text, size_t *ret_size, struct error *err)
{
	size_t line_length = strlen(line);
	char *out = malloc(size + line_length + 2);   /* a newline may have to be added twice */
	size_t used = 0;

	if (out == NULL)
		return error_set(err, ENOMEM, "account file");
	while (size > 0) {
		const char *newline = memchr(text, '\n', size);
		size_t length = newline != NULL ? (size_t)(newline - text) : size;
		size_t whole = newline != NULL ? length + 1 : length;

		if (!is_line_of(text, length, name)) {
			memcpy(out + used, text, length);
			used += length;
			out[used++] = '\n';
		}
		text += whole;
		size -= whole;
	}
	memcpy(out + used, line, line_length);
	used += line_length;
	out[used++] = '\n';
	*ret_text = out;
	*ret_size = used;
	return 0;
}
