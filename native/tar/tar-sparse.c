#include "tar/tar-sparse.h"

#include <errno.h>
#include <string.h>

/* Those that are in use: a segment without bytes only tells the size. */
static int take_segments(struct tar_reader *reader, const char (*segments)[2][12], size_t count, struct error *err)
{
	for (size_t i = 0; i < count && segments[i][1][0] != '\0'; i++) {
		uint64_t offset, size;

		if (tar_number_read(segments[i][0], 12, INT64_MAX, &offset, err) < 0 || tar_number_read(segments[i][1], 12, INT64_MAX, &size, err) < 0 ||
		    pax_add_segment(&reader->pax, offset, size, err) < 0)
			return -1;
	}
	return 0;
}

static int read_old_sparse(struct tar_reader *reader, const struct tar_header *header, struct error *err)
{
	bool is_extended = header->gnu.is_extended != 0;

	reader->pax.segment_count = 0;
	if (tar_number_read(header->gnu.real_size, sizeof(header->gnu.real_size), INT64_MAX, &reader->pax.real_size, err) < 0 ||
	    take_segments(reader, header->gnu.segments, 4, err) < 0)
		return -1;
	while (is_extended) {
		struct tar_segments more;

		if (tar_input_exactly(&reader->input, &more, sizeof(more), err) < 0 || take_segments(reader, more.segments, 21, err) < 0)
			return -1;
		is_extended = more.is_extended != 0;
		/* Each has to bring something, or there could be as many as anybody likes. */
		if (is_extended && more.segments[20][1][0] == '\0')
			return error_set(err, EBADMSG, "a list of segments goes on without any");
	}
	reader->pax.has_real_size = true;
	reader->is_sparse = true;
	return 0;
}

/* "OFFSET,SIZE,OFFSET,SIZE…" */
static int read_sparse_list(struct tar_reader *reader, const char *list, struct error *err)
{
	uint64_t numbers[2];
	int which = 0;

	reader->pax.segment_count = 0;
	while (*list != '\0') {
		size_t length = strcspn(list, ",");

		if (pax_number(list, list + length, INT64_MAX, &numbers[which], err) < 0)
			return -1;
		if (which == 1 && pax_add_segment(&reader->pax, numbers[0], numbers[1], err) < 0)
			return -1;
		which = !which;
		list += length + (list[length] == ',');
	}
	return which == 0 ? 0 : error_set(err, EBADMSG, "a segment without size");
}

/* A line of the list that version 1 has before the data. */
static int read_line_number(struct tar_reader *reader, uint64_t *ret_number, size_t *read, struct error *err)
{
	char line[24];

	for (size_t length = 0; length < sizeof(line); length++) {
		if (reader->left == 0 || tar_input_exactly(&reader->input, &line[length], 1, err) < 0)
			return tar_input_cut_off(err);
		reader->left--;
		(*read)++;
		if (line[length] == '\n')
			return pax_number(line, line + length, INT64_MAX, ret_number, err);
	}
	return error_set(err, EBADMSG, "a line of a list of segments is too long");
}

static int read_sparse_lines(struct tar_reader *reader, struct error *err)
{
	uint64_t count, offset, size;
	size_t read = 0;

	reader->pax.segment_count = 0;
	if (read_line_number(reader, &count, &read, err) < 0)
		return -1;
	for (uint64_t i = 0; i < count; i++)
		if (read_line_number(reader, &offset, &read, err) < 0 || read_line_number(reader, &size, &read, err) < 0 || pax_add_segment(&reader->pax, offset, size, err) < 0)
			return -1;
	size_t padding = tar_padding(read);

	if (reader->left < padding)
		return tar_input_cut_off(err);
	reader->left -= padding;
	return tar_input_skip(&reader->input, padding, err);
}

static int read_pax_sparse(struct tar_reader *reader, struct error *err)
{
	struct pax *pax = &reader->pax;
	int result = 0;

	if (!pax->has_real_size)
		return 0;
	reader->is_sparse = true;
	if (pax->sparse_major == 1)
		result = read_sparse_lines(reader, err);
	else if (pax->sparse_map != NULL)
		result = read_sparse_list(reader, pax->sparse_map, err);
	return result;
}

/* In order, without overlap, within the file, and as many bytes as there are in the archive. */
static int check_segments(const struct tar_reader *reader, struct error *err)
{
	uint64_t position = 0, sum = 0;

	for (size_t i = 0; i < reader->pax.segment_count; i++) {
		const struct tar_segment *segment = &reader->pax.segments[i];

		if (segment->offset < position || segment->size > INT64_MAX - segment->offset)
			return error_set(err, EBADMSG, "segments of a sparse file overlap");
		position = segment->offset + segment->size;
		sum += segment->size;
	}
	if (position > reader->entry.size || sum != reader->left)
		return error_set(err, EBADMSG, "segments of a sparse file do not fit its size");
	return 0;
}

int tar_sparse_take(struct tar_reader *reader, const struct tar_header *header, struct error *err)
{
	reader->is_sparse = false;
	if (reader->entry.type != TAR_FILE)
		return 0;
	if ((header->type == 'S' ? read_old_sparse(reader, header, err) : read_pax_sparse(reader, err)) < 0)
		return -1;
	if (!reader->is_sparse)
		return 0;
	reader->entry.size = reader->pax.real_size;
	return check_segments(reader, err);
}
