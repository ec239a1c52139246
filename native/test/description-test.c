/* The description and what is worked out of it: id maps, account files, paths of the upper layer. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/accounts.h"
#include "monitor/description.h"
#include "test/tap.h"

static void put_map(struct wire_buffer *buffer, uint32_t inside, uint32_t outside, uint32_t count)
{
	size_t opened = wire_open(buffer, TAG_ID_MAP);

	wire_put_u32(buffer, TAG_INSIDE, inside);
	wire_put_u32(buffer, TAG_OUTSIDE, outside);
	wire_put_u32(buffer, TAG_COUNT, count);
	wire_close(buffer, opened);
}

static void begin(struct wire_buffer *buffer)
{
	buffer->size = 0;
	wire_begin(buffer, WIRE_CREATE);
	wire_put_string(buffer, TAG_ID, "id");
	wire_put_string(buffer, TAG_HANDLE, "handle");
	wire_put_string(buffer, TAG_HOSTNAME, "host");
	wire_put_string(buffer, TAG_LOWER, "/image");
	put_map(buffer, 0, 100000, 1000);
}

/* The errno of reading it, or 0. */
static int read_it(struct wire_buffer *buffer)
{
	struct description description;
	struct error err = { 0 };

	if (wire_end(buffer, &err) < 0)
		return ENOMEM;
	/* Not a byte more than there is. */
	uint8_t *body = malloc(buffer->size - 8 + 1);

	memcpy(body, buffer->data + 8, buffer->size - 8);
	int result = description_read(body, buffer->size - 8, &description, &err);

	if (result == 0)
		description_free(&description);
	free(body);
	return result == 0 ? 0 : err.number;
}

static void test_id_map(void)
{
	struct wire_buffer buffer = { 0 };
	struct id_map map = { 0 };
	struct error err;
	char text[200], small[10];
	uint32_t host = 0;

	map = (struct id_map){ .ranges = { { 0, 100000, 1000 }, { 1000, 20000, 1 }, { 1001, 101001, 64535 } }, .count = 3 };
	CHECK(id_map_to_host(&map, 0, &host, &err) == 0 && host == 100000, "root");
	CHECK(id_map_to_host(&map, 1000, &host, &err) == 0 && host == 20000, "vcap");
	CHECK(id_map_to_host(&map, 65535, &host, &err) == 0 && host == 101001 + 64534, "the last one");
	CHECK(id_map_to_host(&map, 65536, &host, &err) < 0 && err.number == EINVAL, "one beyond");
	CHECK(id_map_format(&map, text, sizeof(text)) > 0 && strcmp(text, "0 100000 1000\n1000 20000 1\n1001 101001 64535\n") == 0, "as the kernel reads it");
	CHECK(id_map_format(&map, small, sizeof(small)) < 0, "no room");

	static const struct {
		const char *what;
		uint32_t inside, outside, count;
		int expected;
	} cases[] = {
		{ "another range", 1000, 200000, 10, 0 },
		{ "an empty range", 1000, 200000, 0, EINVAL },
		{ "one that overlaps inside", 999, 200000, 10, EINVAL },
		{ "one that overlaps outside", 1000, 100999, 10, EINVAL },
		{ "one that wraps around", 1000, 0xfffffff0, 100, EINVAL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(&buffer);
		put_map(&buffer, cases[i].inside, cases[i].outside, cases[i].count);
		CHECK(read_it(&buffer) == cases[i].expected, cases[i].what);
	}
	wire_buffer_free(&buffer);
}

static void test_paths(void)
{
	static const struct {
		const char *path;
		int expected;
	} cases[] = {
		{ "/etc/hosts", 0 }, { "etc/hosts", 0 }, { "/x", 0 }, { "/..x/.y", 0 }, { "", EINVAL }, { "/", EINVAL }, { "/etc/../x", EINVAL }, { "..", EINVAL }, { "/etc/..", EINVAL },
		{ "/etc//hosts", EINVAL }, { "/etc/./hosts", EINVAL }, { "/etc/", EINVAL },
	};
	struct wire_buffer buffer = { 0 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(&buffer);
		size_t opened = wire_open(&buffer, TAG_UPPER_FILE);

		wire_put_string(&buffer, TAG_PATH, cases[i].path);
		wire_close(&buffer, opened);
		CHECK(read_it(&buffer) == cases[i].expected, cases[i].path);
	}
	wire_buffer_free(&buffer);
}

static void test_limits(void)
{
	struct wire_buffer buffer = { 0 };

	begin(&buffer);
	CHECK(read_it(&buffer) == 0, "the smallest description");
	buffer.size = 0;
	wire_begin(&buffer, WIRE_CREATE);
	CHECK(read_it(&buffer) == EINVAL, "an empty one");
	begin(&buffer);
	for (int i = 0; i < DESCRIPTION_MAX_LOWERS; i++)
		wire_put_string(&buffer, TAG_LOWER, "/image");
	CHECK(read_it(&buffer) == E2BIG, "too many layers");
	begin(&buffer);
	wire_put_u32(&buffer, TAG_DEADLINE_MS, 0);
	CHECK(read_it(&buffer) == EINVAL, "no time at all");
	begin(&buffer);
	size_t opened = wire_open(&buffer, TAG_CGROUP);

	wire_put_string(&buffer, TAG_PATH, "/sys/fs/cgroup/x/..");
	wire_put_u32(&buffer, TAG_VERSION, 1);
	wire_close(&buffer, opened);
	CHECK(read_it(&buffer) == EINVAL, "a cgroup that is not below its parent");
	for (int i = 0; i < 4; i++) {
		static const char *const files[] = { "memory.stat", "../memory.stat", "", "." };

		begin(&buffer);
		opened = wire_open(&buffer, TAG_CGROUP);
		wire_put_string(&buffer, TAG_PATH, "/sys/fs/cgroup/x/y");
		wire_put_u32(&buffer, TAG_VERSION, 1);
		wire_put_string(&buffer, TAG_USAGE_FILE, files[i]);
		wire_close(&buffer, opened);
		CHECK(read_it(&buffer) == (i == 0 ? 0 : EINVAL), i == 0 ? "a file of a cgroup" : "one that is not of the cgroup");
	}
	begin(&buffer);
	opened = wire_open(&buffer, TAG_MOUNT);
	wire_put_string(&buffer, TAG_DESTINATION, "/../");
	wire_close(&buffer, opened);
	CHECK(read_it(&buffer) == EINVAL, "a mount over the root");
	for (int i = 0; i < 3; i++) {
		static const char *const sources[] = { "/etc/hosts", "/etc/", "" };

		begin(&buffer);
		opened = wire_open(&buffer, TAG_MOUNT);
		wire_put_string(&buffer, TAG_SOURCE, sources[i]);
		wire_put_string(&buffer, TAG_DESTINATION, "/x");
		wire_put_u32(&buffer, TAG_FLAGS, MOUNT_FLAG_READ_ONLY | MOUNT_FLAG_FILE);
		wire_close(&buffer, opened);
		CHECK(read_it(&buffer) == (i == 0 ? 0 : EINVAL), i == 0 ? "a mount of a file" : "one of a file without a name");
	}
	wire_buffer_free(&buffer);
}

static void put_hook(struct wire_buffer *buffer, uint32_t point, const char *program, uint64_t timeout_ms)
{
	size_t opened = wire_open(buffer, TAG_HOOK);

	wire_put_u32(buffer, TAG_HOOK_POINT, point);
	if (program != NULL)
		wire_put_string(buffer, TAG_ARGUMENT, program);
	wire_put_u64(buffer, TAG_TIMEOUT_MS, timeout_ms);
	wire_close(buffer, opened);
}

static void test_hooks(void)
{
	static const struct {
		const char *what;
		uint32_t point;
		const char *program;
		uint64_t timeout_ms;
		int expected;
	} cases[] = {
		{ "a hook", HOOK_PARENT_BEFORE_CLONE, "/hook", 1, 0 }, { "one at the last point", HOOK_CHILD_AFTER_PIVOT, "/hook", 1, 0 },
		{ "one at no point", 0, "/hook", 1, EINVAL }, { "one beyond the last", HOOK_CHILD_AFTER_PIVOT + 1, "/hook", 1, EINVAL },
		{ "one without a program", 1, NULL, 1, EINVAL }, { "a relative program", 1, "hook", 1, EINVAL }, { "an empty program", 1, "", 1, EINVAL }, { "no time", 1, "/hook", 0, EINVAL },
	};
	static const struct {
		const char *text;
		int expected;
	} inputs[] = { { "{}", 0 }, { "{\"a\":1}", 0 }, { "", EINVAL }, { "{", EINVAL }, { "[]", EINVAL }, { "{}\n", EINVAL } };
	struct wire_buffer buffer = { 0 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(&buffer);
		put_hook(&buffer, cases[i].point, cases[i].program, cases[i].timeout_ms);
		CHECK(read_it(&buffer) == cases[i].expected, cases[i].what);
	}
	for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
		begin(&buffer);
		wire_put_bytes(&buffer, TAG_HOOK_INPUT, inputs[i].text, strlen(inputs[i].text));
		CHECK(read_it(&buffer) == inputs[i].expected, "input of hooks");
	}
	begin(&buffer);
	for (int i = 0; i <= HOOK_MAX_COUNT; i++)
		put_hook(&buffer, 1, "/hook", 1);
	CHECK(read_it(&buffer) == E2BIG, "too many hooks");
	wire_buffer_free(&buffer);
}

static void test_syslog(void)
{
	static const struct {
		const char *path;
		int expected;
	} cases[] = {
		{ "/dev/log", 0 }, { "/run/systemd/journal/dev-log", 0 }, { "/", EINVAL }, { "log", EINVAL }, { "/dev/", EINVAL }, { "/dev/..", EINVAL }, { "/dev/.", EINVAL },
		{ "/run/a-name-of-eighty-one-bytes-which-does-not-fit-into-the-address-of-a-socket-any-more", EINVAL },
	};
	struct wire_buffer buffer = { 0 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(&buffer);
		wire_put_string(&buffer, TAG_SYSLOG_SOCKET, "/dev/another");
		wire_put_string(&buffer, TAG_SYSLOG_SOCKET, cases[i].path);
		CHECK(read_it(&buffer) == cases[i].expected, cases[i].path);
	}
	wire_buffer_free(&buffer);
}

static void test_accounts(void)
{
	static const struct {
		const char *what, *before, *after;
	} cases[] = {
		{ "an empty account file", "", "vcap:x:1\n" },
		{ "one with another user", "root:x:0\n", "root:x:0\nvcap:x:1\n" },
		{ "one without a last newline", "root:x:0", "root:x:0\nvcap:x:1\n" },
		{ "the user twice", "vcap:x:7\nroot:x:0\nvcap:y\n", "root:x:0\nvcap:x:1\n" },
		{ "a line with nothing but the name", "vcap", "vcap:x:1\n" },
		{ "names that only look like it", "vcap2:x\nxvcap:x\n:vcap\n\n", "vcap2:x\nxvcap:x\n:vcap\n\nvcap:x:1\n" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error err;
		char *text = NULL;
		size_t size = 0, length = strlen(cases[i].before);
		char *exact = malloc(length + 1);

		memcpy(exact, cases[i].before, length);
		int result = accounts_replace(exact, length, "vcap", "vcap:x:1", &text, &size, &err);

		CHECK(result == 0 && size == strlen(cases[i].after) && memcmp(text, cases[i].after, size) == 0, cases[i].what);
		free(exact);
		free(text);
	}
}

int main(void)
{
	test_id_map();
	test_paths();
	test_limits();
	test_hooks();
	test_syslog();
	test_accounts();
	return tap_end();
}
