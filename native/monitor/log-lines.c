#include "monitor/log-lines.h"

#include <stdio.h>
#include <string.h>

static void keep(struct log_line *line, const uint8_t *data, size_t size)
{
	size_t room = LOG_LINE_MAX - line->size, kept = size < room ? size : room;

	memcpy(line->bytes + line->size, data, kept);
	line->size += kept;
	line->cut += size - kept;
}

size_t log_line_feed(struct log_line *line, const uint8_t *data, size_t size, bool *ret_complete)
{
	const uint8_t *newline = memchr(data, '\n', size);
	size_t length = newline != NULL ? (size_t)(newline - data) : size;

	*ret_complete = newline != NULL;
	if (line->carriage && length > 0) {
		keep(line, (const uint8_t *)"\r", 1);
		line->carriage = false;
	}
	if (length > 0 && data[length - 1] == '\r') {
		keep(line, data, length - 1);
		line->carriage = true;
	} else {
		keep(line, data, length);
	}
	return newline != NULL ? length + 1 : length;
}

bool log_line_is_begun(const struct log_line *line)
{
	return line->size > 0 || line->cut > 0 || line->carriage;
}

/* The size of the printable character that begins here; 0: none does. *ret_cut: none does because the bytes end (RFC 3629, table of section 4). */
static size_t character_size(const uint8_t *bytes, size_t size, bool *ret_cut)
{
	uint8_t first = bytes[0], low = 0x80, high = 0xbf;
	size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;

	*ret_cut = false;
	if (first < 0x80)
		return first == '\t' || (first >= 0x20 && first != 0x7f) ? 1 : 0;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	/* Shorter forms, surrogates, and what is beyond U+10FFFF; U+0080 to U+009F are control characters. */
	if (first == 0xc2 || first == 0xe0)
		low = 0xa0;
	else if (first == 0xf0)
		low = 0x90;
	else if (first == 0xed)
		high = 0x9f;
	else if (first == 0xf4)
		high = 0x8f;
	for (size_t i = 1; i < length; i++, low = 0x80, high = 0xbf) {
		if (i == size) {
			*ret_cut = true;
			return 0;
		}
		if (bytes[i] < low || bytes[i] > high)
			return 0;
	}
	return length;
}

size_t log_line_show(const struct log_line *line, char *ret_text)
{
	size_t position = 0, written = 0;
	uint64_t cut = line->cut;

	while (position < line->size) {
		bool at_end;
		size_t length = character_size(line->bytes + position, line->size - position, &at_end);

		/* Half of a character: the other half was cut. */
		if (at_end && line->cut > 0) {
			cut += line->size - position;
			break;
		}
		if (length > 0) {
			memcpy(ret_text + written, line->bytes + position, length);
			written += length;
			position += length;
			continue;
		}
		uint8_t byte = line->bytes[position++];

		ret_text[written++] = '#';
		ret_text[written++] = (char)('0' + (byte >> 6));
		ret_text[written++] = (char)('0' + (byte >> 3 & 7));
		ret_text[written++] = (char)('0' + (byte & 7));
	}
	if (cut > 0)
		written += (size_t)snprintf(ret_text + written, 48, " [%llu bytes cut]", (unsigned long long)cut);
	return written;
}

void log_line_clear(struct log_line *line)
{
	line->size = 0;
	line->cut = 0;
	line->carriage = false;
}
