#include "archive/decompress.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "lib/fd.h"

enum {
	INPUT_SIZE = 128 << 10,
	/* Of zstd: 32 MiB have to be kept of what came out. What is compressed for the web has 8 MiB at most (RFC 8878). */
	WINDOW_LOG_MAX = 25,
	/* Of zlib: the largest window, and a gzip header. */
	GZIP_WINDOW = 15 + 16,
};

/* 1: there is input; 0: the file has ended. */
static int fill(struct decompress *decompress, struct error *err)
{
	if (decompress->begin < decompress->end)
		return 1;
	if (decompress->input_ended)
		return 0;
	ssize_t count;

	do
		count = read(decompress->fd, decompress->input, INPUT_SIZE);
	while (count < 0 && errno == EINTR);
	if (count < 0)
		return error_set(err, errno, "read");
	decompress->begin = 0;
	decompress->end = (size_t)count;
	decompress->input_ended = count == 0;
	decompress->bytes_read += (uint64_t)count;
	if (decompress->compression != COMPRESSION_NONE)
		sha256_add(&decompress->file_hash, decompress->input, (size_t)count);
	if (decompress->progress != NULL)
		decompress->progress(decompress->bytes_read);
	return count > 0;
}

static int init_stream(struct decompress *decompress, struct error *err)
{
	if (decompress->compression == COMPRESSION_GZIP) {
		z_stream *stream = calloc(1, sizeof(*stream));

		if (stream == NULL || inflateInit2(stream, GZIP_WINDOW) != Z_OK) {
			free(stream);
			return error_set(err, ENOMEM, "gzip");
		}
		decompress->stream = stream;
	} else if (decompress->compression == COMPRESSION_ZSTD) {
		decompress->stream = ZSTD_createDStream();
		if (decompress->stream == NULL || ZSTD_isError(ZSTD_DCtx_setParameter(decompress->stream, ZSTD_d_windowLogMax, WINDOW_LOG_MAX)))
			return error_set(err, ENOMEM, "zstd");
	}
	return 0;
}

static enum compression compression_of(const uint8_t *data, size_t size)
{
	if (size >= 2 && memcmp(data, "\x1f\x8b", 2) == 0)
		return COMPRESSION_GZIP;
	if (size >= 4 && memcmp(data, "\x28\xb5\x2f\xfd", 4) == 0)
		return COMPRESSION_ZSTD;
	/* A frame that decoders skip, as some writers put first. */
	if (size >= 4 && (data[0] & 0xf0) == 0x50 && memcmp(data + 1, "\x2a\x4d\x18", 3) == 0)
		return COMPRESSION_ZSTD;
	return COMPRESSION_NONE;
}

int decompress_init(struct decompress *ret_decompress, int fd, uint64_t bytes_limit, void (*progress)(uint64_t bytes_read), struct error *err)
{
	*ret_decompress = (struct decompress){ .fd = fd, .bytes_limit = bytes_limit, .progress = progress, .input = malloc(INPUT_SIZE) };
	sha256_init(&ret_decompress->file_hash);
	sha256_init(&ret_decompress->content_hash);
	if (ret_decompress->input == NULL)
		return error_set(err, ENOMEM, "archive");
	if (fill(ret_decompress, err) < 0)
		return -1;
	ret_decompress->compression = compression_of(ret_decompress->input, ret_decompress->end);
	/* Of one that is not compressed both digests are the same. */
	if (ret_decompress->compression != COMPRESSION_NONE)
		sha256_add(&ret_decompress->file_hash, ret_decompress->input, ret_decompress->end);
	return init_stream(ret_decompress, err);
}

void decompress_free(struct decompress *decompress)
{
	if (decompress->compression == COMPRESSION_GZIP && decompress->stream != NULL) {
		inflateEnd(decompress->stream);
		free(decompress->stream);
	} else if (decompress->compression == COMPRESSION_ZSTD) {
		ZSTD_freeDStream(decompress->stream);
	}
	free(decompress->input);
	*decompress = (struct decompress){ 0 };
}

static ssize_t copy(struct decompress *decompress, void *ret_data, size_t size)
{
	size_t there = decompress->end - decompress->begin, count = size < there ? size : there;

	memcpy(ret_data, decompress->input + decompress->begin, count);
	decompress->begin += count;
	return (ssize_t)count;
}

/* What comes out of one step: perhaps nothing yet. */
static ssize_t inflate_step(struct decompress *decompress, void *ret_data, size_t size, struct error *err)
{
	z_stream *stream = decompress->stream;

	/* Several members behind each other are one file. */
	if (decompress->frame_ended && inflateReset(stream) != Z_OK)
		return error_set(err, EBADMSG, "gzip");
	decompress->frame_ended = false;
	stream->next_in = decompress->input + decompress->begin;
	stream->avail_in = (unsigned int)(decompress->end - decompress->begin);
	stream->next_out = ret_data;
	stream->avail_out = (unsigned int)size;
	int result = inflate(stream, Z_NO_FLUSH);

	decompress->begin = decompress->end - stream->avail_in;
	if (result == Z_STREAM_END)
		decompress->frame_ended = true;
	else if (result != Z_OK && result != Z_BUF_ERROR)
		return error_set(err, result == Z_MEM_ERROR ? ENOMEM : EBADMSG, "gzip: %s", stream->msg != NULL ? stream->msg : "damaged");
	return (ssize_t)(size - stream->avail_out);
}

static ssize_t zstd_step(struct decompress *decompress, void *ret_data, size_t size, struct error *err)
{
	ZSTD_inBuffer input = { decompress->input, decompress->end, decompress->begin };
	ZSTD_outBuffer output = { ret_data, size, 0 };
	size_t result = ZSTD_decompressStream(decompress->stream, &output, &input);

	decompress->begin = input.pos;
	if (ZSTD_isError(result))
		return error_set(err, EBADMSG, "zstd: %s", ZSTD_getErrorName(result));
	decompress->frame_ended = result == 0;
	return (ssize_t)output.pos;
}

/* 0 only at the end. */
static ssize_t step(struct decompress *decompress, void *ret_data, size_t size, struct error *err)
{
	for (;;) {
		int result = fill(decompress, err);

		if (result < 0)
			return -1;
		if (decompress->compression == COMPRESSION_NONE)
			return result == 0 ? 0 : copy(decompress, ret_data, size);
		if (result == 0 && decompress->frame_ended)
			return 0;
		ssize_t count = decompress->compression == COMPRESSION_GZIP ? inflate_step(decompress, ret_data, size, err) : zstd_step(decompress, ret_data, size, err);

		if (count != 0)
			return count;
		/* Nothing goes in any more, and nothing comes out. */
		if (result == 0 && !decompress->frame_ended)
			return error_set(err, EBADMSG, "the file is cut off");
	}
}

ssize_t decompress_read(void *context, void *ret_data, size_t size, struct error *err)
{
	struct decompress *decompress = context;
	ssize_t count = step(decompress, ret_data, size, err);

	if (count <= 0)
		return count;
	decompress->bytes_given += (uint64_t)count;
	if (decompress->bytes_given > decompress->bytes_limit)
		return error_set(err, EDQUOT, "more than %llu bytes when decompressed", (unsigned long long)decompress->bytes_limit);
	sha256_add(&decompress->content_hash, ret_data, (size_t)count);
	return count;
}
