/* iomux/positions.c: the file of iomux-link -w, and what a file's growth says. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "iomux/positions.h"
#include "lib/fd.h"
#include "lib/remove.h"
#include "test/tap.h"

static int parse(const char *text, struct positions *ret_positions)
{
	struct error err = { 0 };
	/* Not a byte more than there is. */
	char *exact = malloc(strlen(text) + (text[0] == '\0'));

	memcpy(exact, text, strlen(text));
	int result = positions_parse(exact, strlen(text), ret_positions, &err);

	free(exact);
	return result == 0 ? 0 : err.number;
}

static void test_texts(void)
{
	static const struct {
		const char *text;
		int expected;
	} cases[] = {
		{ "iomux 1 0\nstream\nstream\n", 0 }, { "iomux 1 18446744073709551615\nfile 1 2 18446744073709551615\nstream\n", 0 }, { "iomux 1 5\nfile 0 0 0\nfile 1 2 3\n", 0 },
		{ "", EBADMSG }, { "iomux 1 0\n", EBADMSG }, { "iomux 1 0\nstream\n", EBADMSG }, { "iomux 1 0\nstream\nstream", EBADMSG }, { "iomux 1 0\nstream\nstream\nx", EBADMSG },
		{ "iomux 2 0\nstream\nstream\n", EBADMSG }, { "iomux 1 -1\nstream\nstream\n", EBADMSG }, { "iomux 1  1\nstream\nstream\n", EBADMSG }, { "iomux 1 01\nstream\nstream\n", EBADMSG },
		{ "iomux 1 18446744073709551616\nstream\nstream\n", EBADMSG }, { "iomux 1 0\nfile 1 2\nstream\n", EBADMSG }, { "iomux 1 0\nfile 1 2 3 4\nstream\n", EBADMSG },
		{ "iomux 1 0\nstream\nfile 1 2 3", EBADMSG }, { "iomux 1 0 stream\nstream\n", EBADMSG },
	};
	struct positions positions;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CHECK(parse(cases[i].text, &positions) == cases[i].expected, cases[i].expected == 0 ? "taken" : "refused");
}

static void test_file(const char *directory)
{
	const struct positions written = { .position = 1ull << 40, .targets = { { .regular = true, .device = 7, .inode = 1ull << 50, .size = 1ull << 33 } } };
	struct positions read;
	struct error err;
	char path[200];

	snprintf(path, sizeof(path), "%s/positions", directory);
	CHECK(positions_read(path, &read, &err) == 0 && read.position == 0 && !read.targets[0].regular, "no file is the beginning");
	CHECK(positions_write(path, &written, &err) == 0 && positions_read(path, &read, &err) == 0 && memcmp(&read, &written, sizeof(read)) == 0, "what was written is read, beyond 2^32 too");
	snprintf(path, sizeof(path), "%s/no/positions", directory);
	CHECK(positions_write(path, &written, &err) < 0 && err.number == ENOENT, "a directory that is not there is an error");
}

static void test_growth(const char *directory)
{
	struct target before, now, other = { 0 };
	struct error err;
	char path[200];

	snprintf(path, sizeof(path), "%s/out", directory);
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	CHECK(target_look(fd, &before, &err) == 0 && before.regular && target_growth(&before, &before) == 0, "a file that did not change");
	CHECK(write(fd, "abc", 3) == 3 && target_look(fd, &now, &err) == 0 && target_growth(&before, &now) == 3, "one that grew");
	CHECK(target_growth(&now, &before) == 0, "one that is shorter was emptied");
	other = now;
	other.inode++;
	CHECK(target_growth(&before, &other) == 0, "another file");
	_cleanup_close_ int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	CHECK(target_look(null, &other, &err) == 0 && !other.regular && target_growth(&before, &other) == 0 && target_growth(&other, &now) == 0, "a stream");
}

int main(void)
{
	char directory[] = "/tmp/warden-positions-test-XXXXXX";
	struct error err;

	if (mkdtemp(directory) == NULL)
		return 1;
	test_texts();
	test_file(directory);
	test_growth(directory);
	CHECK(remove_tree(AT_FDCWD, directory, &err) == 0, "the directory is removed");
	return tap_end();
}
