/*
 * archive: the archive of an image's layer, or of an image, on standard input becomes files below a directory. wardend starts one for each.
 *
 *   archive MAX_BYTES MAX_ENTRIES   0: the archive, a regular file or a stream   1: reports, lines of JSON   3: the directory, empty
 *
 * It is root of the host at first, because files of an image have many owners, and gives up what it does not need before it reads the first byte: the
 * directory is its root, its system calls are those of files (confine.c). It is static: nothing is loaded, no name is looked up, no text converted.
 * The archive may be compressed (decompress.c); it is read by tar/, and written by lib/tree-writer.c and layer.c. What has been written is on disk when it
 * says so, because images outlive the machine's boot. Nobody takes back what a failure leaves: the directory is the caller's to remove.
 * Exit status: 0, or 1 after a report of the error.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "archive/confine.h"
#include "archive/report.h"
#include "lib/fd.h"

enum { SOURCE = 0, REPORTS = 1, ROOT = 3 };

static int parse_limits(char **arguments, struct layer_limits *ret_limits, struct error *err)
{
	char *end_of_bytes, *end_of_entries;

	errno = 0;
	ret_limits->bytes = strtoull(arguments[1], &end_of_bytes, 10);
	ret_limits->entries = strtoull(arguments[2], &end_of_entries, 10);
	return errno != 0 || *end_of_bytes != '\0' || *end_of_entries != '\0' || ret_limits->bytes > INT64_MAX || ret_limits->entries > INT32_MAX ? error_set(err, EINVAL, "arguments") : 0;
}

/* Of what is decompressed: all contents, and for every entry its header and a long name. */
static uint64_t stream_limit(const struct layer_limits *limits)
{
	return limits->bytes + limits->entries * 4096 + (1 << 20);
}

static int extract(const struct layer_limits *limits, struct decompress *source, struct tar_reader *reader, struct layer *layer, struct error *err)
{
	if (decompress_init(source, SOURCE, stream_limit(limits), report_progress, err) < 0 || tar_reader_init(reader, decompress_read, source, err) < 0 ||
	    layer_init(layer, ROOT, limits, err) < 0 || layer_extract(layer, reader, err) < 0)
		return -1;
	if (syncfs(ROOT) < 0)
		return error_set(err, errno, "write to disk");
	return report_layer(REPORTS, source, layer, err);
}

int main(int argc, char **argv)
{
	static const int kept[] = { SOURCE, REPORTS, 2, ROOT };
	struct error err = { 0 };
	struct layer_limits limits;
	struct decompress source = { 0 };
	struct tar_reader reader = { 0 };
	struct layer layer = { .writer.parent = -1 };

	if (argc != 3) {
		fprintf(stderr, "usage: archive MAX_BYTES MAX_ENTRIES <ARCHIVE 3<DIRECTORY\n");
		return 2;
	}
	report_to(REPORTS);
	int result = parse_limits(argv, &limits, &err);

	/* A layer's root is everybody's to enter, whatever the caller's directory was; the archive may say otherwise. */
	if (result == 0 && fchmod(ROOT, 0755) < 0)
		result = error_set(&err, errno, "root directory");
	if (result == 0)
		result = confine(ROOT, kept, sizeof(kept) / sizeof(*kept), &err);
	if (result == 0)
		result = extract(&limits, &source, &reader, &layer, &err);
	if (result < 0)
		report_error(REPORTS, &err);
	layer_free(&layer);
	tar_reader_free(&reader);
	decompress_free(&source);
	return result < 0;
}
