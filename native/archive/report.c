#include "archive/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/deadline.h"
#include "lib/fd.h"

enum { PROGRESS_STEP = 4 << 20, LINE_SIZE = 32 << 10, WRITE_DEADLINE_MS = 30000 };

static int progress_fd = -1;

void report_to(int fd)
{
	progress_fd = fd;
}

void report_progress(uint64_t bytes_read)
{
	static uint64_t told;
	struct error ignored;
	char line[48];

	if (progress_fd < 0 || bytes_read - told < PROGRESS_STEP)
		return;
	told = bytes_read;
	snprintf(line, sizeof(line), "{\"read\":%" PRIu64 "}\n", bytes_read);
	fd_write_all(progress_fd, line, strlen(line), deadline_in_ms(WRITE_DEADLINE_MS), &ignored);
}

/* Names may have any bytes: what is not printable ASCII is shown as a character of that number. */
static size_t quote(char *ret_text, const char *text)
{
	size_t used = 0;

	ret_text[used++] = '"';
	for (; *text != '\0'; text++) {
		uint8_t byte = (uint8_t)*text;

		if (byte < 0x20 || byte >= 0x7f || byte == '"' || byte == '\\')
			used += (size_t)sprintf(ret_text + used, "\\u%04x", byte);
		else
			ret_text[used++] = (char)byte;
	}
	ret_text[used++] = '"';
	return used;
}

int report_layer(int fd, struct decompress *source, const struct layer *layer, struct error *err)
{
	char line[LINE_SIZE], content[SHA256_TEXT_SIZE], file[SHA256_TEXT_SIZE];
	size_t notes = layer->skipped < LAYER_NOTES ? (size_t)layer->skipped : LAYER_NOTES;

	sha256_end(&source->content_hash, content);
	if (source->compression == COMPRESSION_NONE)
		memcpy(file, content, sizeof(file));
	else
		sha256_end(&source->file_hash, file);
	size_t used = (size_t)snprintf(line, sizeof(line), "{\"diffId\":\"sha256:%s\",\"fileDigest\":\"sha256:%s\",\"entries\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"skipped\":%" PRIu64 ",\"notes\":[", content, file, layer->writer.entries, layer->writer.bytes, layer->skipped);

	for (size_t i = 0; i < notes; i++) {
		if (i > 0)
			line[used++] = ',';
		used += quote(line + used, layer->notes[i]);
	}
	memcpy(line + used, "]}\n", 3);
	return fd_write_all(fd, line, used + 3, deadline_in_ms(WRITE_DEADLINE_MS), err);
}

void report_error(int fd, const struct error *problem)
{
	char line[64 + 6 * ERROR_DETAIL_SIZE];
	struct error ignored;
	size_t used = (size_t)snprintf(line, 64, "{\"errno\":%d,\"message\":", problem->number);

	used += quote(line + used, problem->detail);
	memcpy(line + used, "}\n", 2);
	fd_write_all(fd, line, used + 2, deadline_in_ms(WRITE_DEADLINE_MS), &ignored);
}
