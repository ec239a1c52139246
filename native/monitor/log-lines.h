/*
 * From the bytes of a stream to the lines of a log. Pure.
 *
 * A line ends with a newline; a carriage return before it goes. Of a line that is longer than LOG_LINE_MAX the first LOG_LINE_MAX bytes are kept,
 * and how many were cut is said at its end. What is kept is shown as UTF-8 without control characters: each byte that is neither a tab nor part
 * of a printable character becomes #ooo, its octal number, as rsyslogd writes it, so that no line can look like two, or move a terminal's cursor.
 */
#ifndef WARDEN_MONITOR_LOG_LINES_H
#define WARDEN_MONITOR_LOG_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_LINE_MAX 1024u
/* Every byte as #ooo, and the mark of a cut. */
#define LOG_TEXT_MAX (LOG_LINE_MAX * 4 + 48)

struct log_line {
	uint8_t bytes[LOG_LINE_MAX];
	size_t size;
	uint64_t cut;      /* bytes behind the kept ones */
	bool carriage;     /* a carriage return, of which it is not known yet whether the line ends behind it */
};

/* Takes bytes up to and including the next newline; returns how many. *ret_complete: the line can be shown, and then has to be cleared. */
size_t log_line_feed(struct log_line *line, const uint8_t *data, size_t size, bool *ret_complete);
/* Is there a line that has no newline yet? */
bool log_line_is_begun(const struct log_line *line);
/* The line as it is shown, without a NUL at its end; returns its size, at most LOG_TEXT_MAX. */
size_t log_line_show(const struct log_line *line, char *ret_text);
void log_line_clear(struct log_line *line);

#endif
