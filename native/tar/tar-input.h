/* The bytes of an archive, through a buffer: whole, counted, skipped. */
#ifndef TAR_INPUT_H
#define TAR_INPUT_H

#include "tar/tar-entry.h"

enum { TAR_INPUT_SIZE = 256 << 10 };

struct tar_input {
	tar_source read;
	void *context;
	uint8_t *buffer;
	size_t begin, end;   /* what of the buffer has not been taken yet */
};

int tar_input_init(struct tar_input *ret_input, tar_source read, void *context, struct error *err);
void tar_input_free(struct tar_input *input);

/* 1: there is something in the buffer; 0: the source has ended. */
int tar_input_fill(struct tar_input *input, struct error *err);
/* Of that, at most as many bytes as are wanted. */
size_t tar_input_available(const struct tar_input *input, uint64_t wanted);
/* *ret_size is less than size only at the end of the source. */
int tar_input_up_to(struct tar_input *input, void *ret_data, size_t size, size_t *ret_size, struct error *err);
/* EBADMSG: the source ends before. */
int tar_input_exactly(struct tar_input *input, void *ret_data, size_t size, struct error *err);
int tar_input_skip(struct tar_input *input, uint64_t size, struct error *err);
/* Something of `size` bytes with its padding, and NUL behind it, with room for it: the caller's to free. E2BIG: more than max. */
int tar_input_text(struct tar_input *input, uint64_t size, size_t max, char **ret_text, struct error *err);
int tar_input_cut_off(struct error *err);

/* Up to a whole block. */
size_t tar_padding(uint64_t size);

#endif
