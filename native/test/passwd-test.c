/* wsh/passwd.c: which lines count, and whom they name. */
#include <stdlib.h>
#include <string.h>

#include "test/tap.h"
#include "wsh/passwd.h"

/* Fed in pieces of `piece` bytes, each in memory of exactly its size. */
static bool search_in(struct passwd_search *search, const char *text, size_t size, size_t piece)
{
	for (size_t at = 0; at < size; at += piece) {
		size_t length = size - at < piece ? size - at : piece;
		char *copy = malloc(length);

		memcpy(copy, text + at, length);
		bool done = passwd_feed(search, copy, length);

		free(copy);
		if (done)
			return true;
	}
	return passwd_end(search);
}

static struct passwd_search by_name(const char *name, const char *text)
{
	struct passwd_search search = { .name = name };

	search_in(&search, text, strlen(text), 4096);
	return search;
}

static bool finds_nobody(const char *text)
{
	return !by_name("vcap", text).found;
}

static void check_ids(void)
{
	static const char *const refused[] = { "", "-1", "+1", " 1", "1 ", "00", "01", "0x0", "4294967295", "4294967296", "42949672960", "18446744073709551616", "1e1", "a" };
	uint32_t id = 77;
	bool none = true;

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		none &= !passwd_read_id(refused[i], strlen(refused[i]), &id);
	CHECK(none && id == 77, "what is no id");
	CHECK(passwd_read_id("0", 1, &id) && id == 0, "0");
	CHECK(passwd_read_id("4294967294", 10, &id) && id == 4294967294u, "the largest id");
}

static void check_lines(void)
{
	static const char file[] = "root:x:0:0::/root:/bin/bash\nvcap:x:1000:1001:A User,,,:/home/vcap:/bin/bash\nlast:x:5:6::/last:";
	struct passwd_search search = by_name("vcap", file);

	CHECK(search.found && search.uid == 1000 && search.gid == 1001 && strcmp(search.home, "/home/vcap") == 0 && strcmp(search.user, "vcap") == 0, "a user");
	search = by_name("last", file);
	CHECK(search.found && search.uid == 5 && search.gid == 6 && strcmp(search.home, "/last") == 0, "a last line without a newline");
	search = (struct passwd_search){ .wanted_uid = 1000 };
	CHECK(search_in(&search, file, sizeof(file) - 1, 1) && strcmp(search.user, "vcap") == 0 && search.gid == 1001, "by number, byte by byte");
	CHECK(!by_name("vca", file).found && !by_name("vcap2", file).found && !by_name("", file).found, "a name is the whole name");
	search = by_name("vcap", "vcap:x:5:5::/a:\nvcap:x:0:0::/b:\n");
	CHECK(search.found && search.uid == 5, "of two lines the first counts");
	search = by_name("vcap", "vcap:x:-1:5::/a:\nvcap:x:6:6::/b:\n");
	CHECK(search.found && search.uid == 6, "one that cannot be read is as good as absent");
}

static void check_odd_lines(void)
{
	CHECK(finds_nobody("vcap:x:4294967296:5::/:/\n") && finds_nobody("vcap:x:5:4294967296::/:/\n"), "2^32 is not 0");
	CHECK(finds_nobody("vcap:x:-1:-1::/:/\n") && finds_nobody("vcap:x:4294967295:5::/:/\n"), "-1 is nobody");
	CHECK(finds_nobody("vcap:x:: ::/:/\n") && finds_nobody("vcap:x: 0:0::/:/\n") && finds_nobody("vcap:x:0x0:0::/:/\n"), "an empty or decorated id is not 0");
	CHECK(finds_nobody("vcap\n") && finds_nobody("vcap:x:5:5::/\n") && finds_nobody("vcap:x:5:5::/:/bin/sh:\n") && finds_nobody(":x:5:5::/:/\n"), "too few fields, too many, no name");
	CHECK(finds_nobody(" vcap:x:5:5::/:/\n") && finds_nobody("#vcap:x:5:5::/:/\n") && finds_nobody("+::::::\n"), "space, comment, NIS");
	CHECK(!by_name("+", "+::::::\n").found, "a NIS line is nobody");

	static const char nul[] = "vcap:x:5:5::/\0root:/\nvcap\0x:x:5:5::/:/\n";
	struct passwd_search search = { .name = "vcap" };

	CHECK(!search_in(&search, nul, sizeof(nul) - 1, 7), "a line with a NUL");
}

static void check_long_lines(void)
{
	enum { SIZE = 1 << 20 };
	char *text = malloc(SIZE + 64);
	static const char begin[] = "vcap:x:5:5:", end[] = ":/home:/bin/sh\nvcap:x:6:6::/:/\n";

	memset(text, 'a', SIZE);
	memcpy(text, begin, sizeof(begin) - 1);
	memcpy(text + SIZE, end, sizeof(end) - 1);
	struct passwd_search search = { .name = "vcap" };

	CHECK(search_in(&search, text, SIZE + sizeof(end) - 1, 4096) && search.uid == 6, "a line of a mebibyte is passed over");
	/* The end of a long line must not be taken for a line. */
	memset(text, 'a', 2 * PASSWD_MAX_LINE);
	memcpy(text + PASSWD_MAX_LINE, "vcap:x:7:7::/:/\n", 16);
	search = (struct passwd_search){ .name = "vcap" };
	CHECK(!search_in(&search, text, PASSWD_MAX_LINE + 16, 4096), "nor does its end count as one");
	size_t rest = PASSWD_MAX_LINE - (sizeof(begin) - 1) - strlen(":/home:/bin/sh");

	memset(text, 'a', 2 * PASSWD_MAX_LINE);
	memcpy(text, begin, sizeof(begin) - 1);
	memcpy(text + sizeof(begin) - 1 + rest, ":/home:/bin/sh\n", 15);
	search = (struct passwd_search){ .name = "vcap" };
	CHECK(search_in(&search, text, PASSWD_MAX_LINE + 1, 100) && search.uid == 5 && strcmp(search.home, "/home") == 0, "one of exactly the largest length counts");
	free(text);
}

int main(void)
{
	check_ids();
	check_lines();
	check_odd_lines();
	check_long_lines();
	return tap_end();
}
