/* monitor/spool.c against a model in memory. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/fd.h"
#include "lib/remove.h"
#include "lib/wire.h"
#include "monitor/spool.h"
#include "test/tap.h"

enum { MODEL_SIZE = 400000 };

static uint8_t model[MODEL_SIZE], streams[MODEL_SIZE];
static size_t model_size;

static void append(struct spool *spool, uint32_t stream, size_t size, bool *all)
{
	static uint8_t data[20000];
	struct error err;

	for (size_t i = 0; i < size; i++)
		data[i] = (uint8_t)rand();
	memcpy(model + model_size, data, size);
	memset(streams + model_size, (int)stream, size);
	model_size += size;
	*all &= spool_append(spool, stream, data, size, &err) == 0 && spool->size == model_size;
}

/* What is there of one stream, at most max bytes. */
static int spool_read(struct spool *spool, uint64_t position, void *ret_data, size_t max, size_t *ret_size, uint32_t *ret_stream, struct error *err)
{
	uint64_t end;

	*ret_size = 0;
	if (position >= spool->size)
		return 0;
	if (spool_find(spool, position, ret_stream, &end, err) < 0)
		return -1;
	*ret_size = end - position < max ? (size_t)(end - position) : max;
	return spool_copy(spool, position, ret_data, *ret_size, err);
}

static bool matches(struct spool *spool, uint64_t position, size_t max)
{
	static uint8_t data[MODEL_SIZE];
	struct error err;
	size_t size = 0;
	uint32_t stream = 0;

	if (spool_read(spool, position, data, max, &size, &stream, &err) < 0)
		return false;
	if (position >= model_size)
		return size == 0;
	if (size == 0 || size > max || memcmp(data, model + position, size) != 0)
		return false;
	for (size_t i = 0; i < size; i++)
		if (streams[position + i] != stream)
			return false;
	/* It ends for a reason. */
	return size == max || position + size == model_size || streams[position + size] != stream;
}

/* A run is found whole, and its bytes reach a socket as they are, as far as that has room. */
static bool sends(struct spool *spool, int socket, int other, uint64_t position)
{
	static uint8_t data[MODEL_SIZE];
	struct error err;
	uint64_t end;
	uint32_t stream;
	size_t got = 0;

	if (position >= model_size)
		return spool_find(spool, position, &stream, &end, &err) < 0;
	if (spool_find(spool, position, &stream, &end, &err) < 0 || streams[position] != stream || (end < model_size && streams[end] == stream))
		return false;
	for (uint64_t at = position; at < end; at++)
		if (streams[at] != stream)
			return false;
	while (got < end - position) {
		ssize_t sent = spool_send(spool, position + got, (size_t)(end - position) - got, socket);

		if (sent < 0 || recv(other, data + got, (size_t)sent, MSG_WAITALL) != sent)
			return false;
		got += (size_t)sent;
	}
	return memcmp(data, model + position, got) == 0;
}

static size_t count_files(int directory)
{
	DIR *stream = fdopendir(openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	size_t count = 0;

	while (readdir(stream) != NULL)
		count++;
	closedir(stream);
	return count - 2;
}

static void test_model(int directory, const char *what, size_t appends, size_t largest, size_t files)
{
	struct spool spool;
	bool all = true;

	model_size = 0;
	spool_init(&spool, directory, 7);
	for (size_t i = 0; i < appends; i++) {
		append(&spool, rand() % 2 ? STREAM_STDOUT : STREAM_STDERR, 1 + (size_t)rand() % largest, &all);
		all &= matches(&spool, (uint64_t)rand() % (model_size + 1), 1 + (size_t)rand() % 500);
	}
	for (uint64_t position = 0; position <= model_size; position += 1 + (uint64_t)rand() % (model_size / 500 + 1))
		all &= matches(&spool, position, 1 + (size_t)rand() % 1000);
	for (uint64_t position = model_size; position > 0; position -= 1 + position / 100)
		all &= matches(&spool, position, 10);
	all &= matches(&spool, model_size, 10) && matches(&spool, model_size + 100, 10);
	int sockets[2] = { -1, -1 };

	all &= socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets) == 0;
	for (int i = 0; i < 100; i++)
		all &= sends(&spool, sockets[0], sockets[1], (uint64_t)rand() % (model_size + 1));
	close_fd(sockets[0]);
	close_fd(sockets[1]);
	CHECK(all, what);
	CHECK(count_files(directory) == files, "it has the files it needs");
	spool_remove(&spool);
	spool_remove(&spool);
	CHECK(count_files(directory) == 0, "which are removed, also twice");
}

/* As if 4 GiB had gone through it: the file has a hole there, positions and changes of stream count on. */
static void test_position(int directory)
{
	static uint8_t data[SPOOL_MEMORY + 1], got[64];
	static const uint64_t limit = (uint64_t)1 << 32;
	uint64_t begin = limit - 10;
	struct spool spool;
	struct error err;
	size_t size;
	uint32_t stream;

	spool_init(&spool, directory, 8);
	bool all = spool_append(&spool, STREAM_STDOUT, data, sizeof(data), &err) == 0 && ftruncate(spool.data_fd, (off_t)begin) == 0;

	spool.size = begin;
	for (int i = 0; i < 1000; i++) {
		uint8_t byte = (uint8_t)i;

		all &= spool_append(&spool, i % 2 ? STREAM_STDOUT : STREAM_STDERR, &byte, 1, &err) == 0;
	}
	CHECK(all && spool.size == limit + 990, "a spool grows past 2^32 bytes");
	for (int i = 0; i < 1000 && all; i++) {
		all &= spool_read(&spool, begin + (uint64_t)i, got, sizeof(got), &size, &stream, &err) == 0 && size == 1 && got[0] == (uint8_t)i &&
		       stream == (i % 2 ? STREAM_STDOUT : STREAM_STDERR);
	}
	CHECK(all, "and is read exactly, in order, on both sides of it");
	CHECK(spool_read(&spool, begin - 3, got, sizeof(got), &size, &stream, &err) == 0 && size == 3 && stream == STREAM_STDOUT, "what came before it ends where it ended");
	CHECK(spool_read(&spool, 12345, got, sizeof(got), &size, &stream, &err) == 0 && size == sizeof(got) && got[0] == 0, "and is there");
	spool_remove(&spool);
}

static void test_failure(int directory)
{
	static uint8_t data[SPOOL_MEMORY + 1];
	struct spool spool;
	struct error err;

	/* Its file is taken by another. */
	close_fd(openat(directory, "9.spool", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	spool_init(&spool, directory, 9);
	CHECK(spool_append(&spool, STREAM_STDOUT, data, SPOOL_MEMORY, &err) == 0, "what fits in memory needs no file");
	CHECK(spool_append(&spool, STREAM_STDOUT, data, 1, &err) < 0 && spool.size == SPOOL_MEMORY, "a file that cannot be made is an error");
	spool_remove(&spool);
	CHECK(count_files(directory) == 1, "and what is not ours stays");
}

int main(void)
{
	char path[] = "/tmp/warden-spool-test-XXXXXX";
	struct error err;

	srand(1);
	if (mkdtemp(path) == NULL)
		return 1;
	int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	test_model(directory, "little output stays in memory", 100, 30, 0);
	test_model(directory, "more goes to a file", 40, 9000, 1);
	test_model(directory, "many changes of stream to another", 5000, 60, 2);
	test_model(directory, "one byte at a time", 20000, 1, 2);
	test_position(directory);
	test_failure(directory);
	close_fd(directory);
	CHECK(remove_tree(AT_FDCWD, path, &err) == 0 && access(path, F_OK) < 0, "the directory is removed");
	CHECK(remove_tree(AT_FDCWD, path, &err) == 0, "once more is no error");
	return tap_end();
}
