/* tar/: an archive of anybody's, entry by entry with all its data. */
#include <stdlib.h>
#include <string.h>

#include "tar/tar-reader.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

struct input {
	const unsigned char *data;
	size_t size;
};

static ssize_t get(void *context, void *ret_data, size_t size, struct error *err)
{
	struct input *input = context;
	size_t count = size < input->size ? size : input->size;

	(void)err;
	memcpy(ret_data, input->data, count);
	input->data += count;
	input->size -= count;
	return (ssize_t)count;
}

/* Headers of whatever sum: a fuzzer does not guess sums. */
static unsigned char *with_sums(const unsigned char *data, size_t size)
{
	unsigned char *copy = malloc(size + 1);

	memcpy(copy, data, size);
	for (size_t at = 0; at + TAR_BLOCK_SIZE <= size; at += TAR_BLOCK_SIZE) {
		struct tar_header *header = (struct tar_header *)(copy + at);

		if (header->checksum[0] == 's')
			tar_header_seal(header);
	}
	return copy;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	unsigned char *copy = with_sums(data, size);
	struct input input = { copy, size };
	struct tar_reader reader;
	const struct tar_entry *entry;
	struct error err = { 0 };
	size_t sum = 0;

	if (tar_reader_init(&reader, get, &input, &err) == 0)
		while (tar_reader_next(&reader, &entry, &err) > 0) {
			const void *block;
			uint64_t offset;
			size_t count;

			sum += strlen(entry->path) + (entry->target != NULL ? strlen(entry->target) : 0);
			for (size_t i = 0; i < entry->xattr_count; i++)
				sum += strlen(entry->xattrs[i].name) + (entry->xattrs[i].size > 0 ? entry->xattrs[i].value[0] : 0);
			while (tar_reader_data(&reader, &block, &count, &offset, &err) > 0)
				if (offset + count > entry->size)
					abort();
		}
	tar_reader_free(&reader);
	free(copy);
	return sum == (size_t)-1;
}
