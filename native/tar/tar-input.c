#include "tar/tar-input.h"

#include <errno.h>
#include <string.h>

#include "lib/fd.h"

int tar_input_init(struct tar_input *ret_input, tar_source read, void *context, struct error *err)
{
	*ret_input = (struct tar_input){ .read = read, .context = context, .buffer = malloc(TAR_INPUT_SIZE) };
	return ret_input->buffer == NULL ? error_set(err, ENOMEM, "archive") : 0;
}

void tar_input_free(struct tar_input *input)
{
	free(input->buffer);
	*input = (struct tar_input){ 0 };
}

/* 1: there is something in the buffer; 0: the source has ended. */
int tar_input_fill(struct tar_input *input, struct error *err)
{
	if (input->begin < input->end)
		return 1;
	ssize_t count = input->read(input->context, input->buffer, TAR_INPUT_SIZE, err);

	input->begin = 0;
	input->end = count > 0 ? (size_t)count : 0;
	return count > 0 ? 1 : (int)count;
}

size_t tar_input_available(const struct tar_input *input, uint64_t wanted)
{
	size_t there = input->end - input->begin;

	return wanted < there ? (size_t)wanted : there;
}

int tar_input_cut_off(struct error *err)
{
	return error_set(err, EBADMSG, "the archive is cut off");
}

/* *ret_size is less than size only at the end of the source. */
int tar_input_up_to(struct tar_input *input, void *ret_data, size_t size, size_t *ret_size, struct error *err)
{
	uint8_t *data = ret_data;
	int result = 1;

	*ret_size = 0;
	while (*ret_size < size && (result = tar_input_fill(input, err)) > 0) {
		size_t count = tar_input_available(input, size - *ret_size);

		memcpy(data + *ret_size, input->buffer + input->begin, count);
		input->begin += count;
		*ret_size += count;
	}
	return result < 0 ? -1 : 0;
}

int tar_input_exactly(struct tar_input *input, void *ret_data, size_t size, struct error *err)
{
	size_t count;

	if (tar_input_up_to(input, ret_data, size, &count, err) < 0)
		return -1;
	return count < size ? tar_input_cut_off(err) : 0;
}

int tar_input_skip(struct tar_input *input, uint64_t size, struct error *err)
{
	while (size > 0) {
		int result = tar_input_fill(input, err);

		if (result <= 0)
			return result < 0 ? -1 : tar_input_cut_off(err);
		size_t count = tar_input_available(input, size);

		input->begin += count;
		size -= count;
	}
	return 0;
}

size_t tar_padding(uint64_t size)
{
	return (size_t)(-size & (TAR_BLOCK_SIZE - 1));
}

/* What is said about the next entry in one of its own: a text of `size` bytes, with room for one more. */
int tar_input_text(struct tar_input *input, uint64_t size, size_t max, char **ret_text, struct error *err)
{
	if (size > max)
		return error_set(err, E2BIG, "%llu bytes about an entry", (unsigned long long)size);
	_cleanup_free_ char *text = calloc(1, (size_t)size + 1);

	if (text == NULL)
		return error_set(err, ENOMEM, "archive");
	if (tar_input_exactly(input, text, (size_t)size, err) < 0 || tar_input_skip(input, tar_padding(size), err) < 0)
		return -1;
	*ret_text = text;
	text = NULL;
	return 0;
}
