/* monitor/log-lines.c: how bytes become lines, whatever pieces they come in. */
#include <stdlib.h>
#include <string.h>

#include "monitor/log-lines.h"
#include "test/tap.h"

/* All lines of a text that comes in pieces of at most `piece` bytes, each in brackets. */
static const char *lines_of(const void *text, size_t size, size_t piece)
{
	static char all[1 << 20];
	const uint8_t *data = text;
	struct log_line line = { 0 };
	size_t written = 0;

	for (size_t position = 0; position < size;) {
		size_t rest = size - position;
		bool complete;

		position += log_line_feed(&line, data + position, rest < piece ? rest : piece, &complete);
		if (!complete && position < size)
			continue;
		if (!complete && !log_line_is_begun(&line))
			break;
		all[written++] = '[';
		written += log_line_show(&line, all + written);
		all[written++] = ']';
		log_line_clear(&line);
	}
	all[written] = '\0';
	return all;
}

static bool shows(const void *text, size_t size, const char *expected)
{
	for (size_t piece = 1; piece < size + 2; piece++) {
		if (strcmp(lines_of(text, size, piece), expected) != 0) {
			printf("# in pieces of %zu: %s\n", piece, lines_of(text, size, piece));
			return false;
		}
	}
	return true;
}

#define SHOWS(text, expected, what) CHECK(shows(text, sizeof(text) - 1, expected), what)

static void test_length(size_t length, size_t character, const char *mark, const char *what)
{
	static char text[1 << 20], expected[1 << 20];
	size_t kept = length < LOG_LINE_MAX ? length : LOG_LINE_MAX - LOG_LINE_MAX % character;

	for (size_t i = 0; i < length; i += character)
		memcpy(text + i, "\xe2\x82\xac" + (character == 1 ? 3 : 0), character);
	if (character == 1)
		memset(text, 'x', length);
	text[length] = '\n';
	snprintf(expected, sizeof(expected), "[%.*s%s]", (int)kept, text, mark);
	CHECK(strcmp(lines_of(text, length + 1, 100000), expected) == 0 && strcmp(lines_of(text, length + 1, 7), expected) == 0, what);
}

int main(void)
{
	SHOWS("", "", "nothing is no line");
	SHOWS("a\nb\n", "[a][b]", "two lines");
	SHOWS("a\n\nb", "[a][][b]", "an empty line is one, and so is what has no newline");
	SHOWS("a\r\nb\r\r\nc\rd\r", "[a][b#015][c#015d]", "one carriage return before a newline goes, others are shown");
	SHOWS("\ta b~", "[\ta b~]", "a tab stays");
	SHOWS("\x1b[2J\x00\x07\x7f\v\n<11>Oct 1 sshd: x", "[#033[2J#000#007#177#013][<11>Oct 1 sshd: x]", "control characters are shown");
	SHOWS("ü€\xf0\x9f\xa6\x80\n", "[ü€\xf0\x9f\xa6\x80]", "characters of two, three and four bytes stay");
	SHOWS("\xc2\x80\xc2\x9b\xc2\xa0\n", "[#302#200#302#233\xc2\xa0]", "control characters above ASCII are shown");
	SHOWS("\xc0\xaf\xe0\x80\xaf\xf0\x80\x80\xaf", "[#300#257#340#200#257#360#200#200#257]", "longer forms of a character are shown as bytes");
	SHOWS("\xed\xa0\x80\xf4\x90\x80\x80\xff\xfe", "[#355#240#200#364#220#200#200#377#376]", "surrogates and what is no character are shown as bytes");
	SHOWS("\xe2\x82\nx\xe2", "[#342#202][x#342]", "half of a character is shown as bytes");
	test_length(LOG_LINE_MAX, 1, "", "the longest line is whole");
	test_length(LOG_LINE_MAX + 1, 1, " [1 bytes cut]", "one byte more is cut");
	test_length(1000000, 1, " [998976 bytes cut]", "and so is a megabyte");
	test_length(1026, 3, " [3 bytes cut]", "a cut leaves no half of a character");
	return tap_end();
}
