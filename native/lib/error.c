#include "lib/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *err, int number, const char *format, ...)
{
	/* What there was may be among the arguments. */
	char detail[ERROR_DETAIL_SIZE];
	va_list arguments;

	err->number = number;
	va_start(arguments, format);
	vsnprintf(detail, sizeof(detail), format, arguments);
	va_end(arguments);
	memcpy(err->detail, detail, strlen(detail) + 1);
	return -1;
}

void error_format(const struct error *err, char *ret_text, size_t size)
{
	snprintf(ret_text, size, "%s%s%s%s%s", err->step != NULL ? err->step : "", err->step != NULL ? ": " : "", err->detail,
		err->detail[0] != '\0' ? ": " : "", strerror(err->number));
}

void error_print(const char *program, const struct error *err)
{
	char text[ERROR_DETAIL_SIZE + 256];

	error_format(err, text, sizeof(text));
	fprintf(stderr, "%s: %s\n", program, text);
}
