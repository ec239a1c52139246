/* lib/file-copy.c: the contents up to the size that was seen, with their holes. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/file-copy.h"
#include "test/tap.h"

enum { SIZE = 300000 };

static struct error err;

static int make(const char *directory, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	unlink(path);
	return fd;
}

static int count(void *context, uint64_t bytes, struct error *ignored)
{
	(void)ignored;
	*(uint64_t *)context += bytes;
	return 0;
}

/* What comes out of a source that has changed since it was looked at: its size, or -1; *ret_counted: bytes that were told. */
static off_t copy(const char *directory, int from, off_t before, off_t after, uint64_t *ret_counted)
{
	struct file_copier copier = { 0 };
	struct stat status, copied;
	int to = make(directory, "to");
	off_t result = -1;

	*ret_counted = 0;
	if (ftruncate(from, before) == 0 && fstat(from, &status) == 0 && ftruncate(from, after) == 0 && lseek(from, 0, SEEK_SET) == 0 &&
	    file_copy(&copier, from, &status, to, count, ret_counted, &err) == 0 && fstat(to, &copied) == 0)
		result = copied.st_size;
	file_copier_free(&copier);
	close(to);
	return result;
}

int main(void)
{
	char directory[] = "/tmp/warden-file-copy-XXXXXX";
	static char data[SIZE];
	uint64_t counted;

	if (mkdtemp(directory) == NULL)
		return 1;
	memset(data, 'x', sizeof(data));
	int from = make(directory, "from"), sparse = make(directory, "sparse");

	if (!CHECK(pwrite(from, data, SIZE, 0) == SIZE && pwrite(sparse, "end", 3, 100 << 20) == 3, "files"))
		return tap_end();
	CHECK(copy(directory, from, SIZE, SIZE, &counted) == SIZE && counted == SIZE, "a file");
	CHECK(copy(directory, from, SIZE, 64 << 20, &counted) == SIZE && counted == SIZE, "one that has grown ends where it ended");
	CHECK(copy(directory, from, SIZE, 1000, &counted) == 1000 && counted == 1000, "one that has shrunk ends where it ends");
	CHECK(copy(directory, sparse, (100 << 20) + 3, (100 << 20) + 3, &counted) == (100 << 20) + 3 && counted < 1 << 20, "holes stay holes");
	CHECK(rmdir(directory) == 0, "nothing is left");
	close(from);
	close(sparse);
	return tap_end();
}
