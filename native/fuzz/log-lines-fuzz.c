/* monitor/log-lines.c: what a job writes. The first byte says how large the pieces are. */
#include <stdlib.h>
#include <string.h>

#include "monitor/log-lines.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void check(const struct log_line *line)
{
	char *text = malloc(LOG_TEXT_MAX);
	size_t size = log_line_show(line, text);

	if (size > LOG_TEXT_MAX)
		__builtin_trap();
	for (size_t i = 0; i < size; i++) {
		unsigned char byte = (unsigned char)text[i];

		if ((byte < 0x20 && byte != '\t') || byte == 0x7f || (byte == 0xc2 && i + 1 < size && (unsigned char)text[i + 1] < 0xa0))
			__builtin_trap();
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct log_line line = { 0 };
	size_t piece = size > 0 ? data[0] + 1u : 1, position = 1, newlines = 0;

	while (position < size) {
		size_t rest = size - position;
		bool complete;
		size_t taken = log_line_feed(&line, data + position, rest < piece ? rest : piece, &complete);

		if (taken == 0 || taken > rest || memchr(data + position, '\n', taken - complete) != NULL)
			__builtin_trap();
		position += taken;
		check(&line);
		if (!complete)
			continue;
		newlines++;
		log_line_clear(&line);
		if (log_line_is_begun(&line))
			__builtin_trap();
	}
	for (size_t i = 1; i < size; i++)
		newlines -= data[i] == '\n';
	if (newlines != 0)
		__builtin_trap();
	return 0;
}
