/* lib/proc-stat.c: what the kernel writes, and names that look like it. */
#include <string.h>

#include "lib/proc-stat.h"
#include "test/tap.h"

#define REST " 1 1 1 0 -1 4194560 100 0 0 0 7 5 0 0 20 0 3 0 123456 10485760 42 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0\n"

static int read_text(const char *text, struct proc_stat *ret_stat)
{
	return proc_stat_read(text, strlen(text), ret_stat);
}

static bool is_named(const char *text, const char *name)
{
	struct proc_stat stat;

	return read_text(text, &stat) == 0 && stat.name_size == strlen(name) && memcmp(stat.name, name, stat.name_size) == 0 && stat.parent == 1 && stat.threads == 3;
}

static void check_numbers(void)
{
	struct proc_stat stat = { 0 };

	CHECK(read_text("17 (bash) S" REST, &stat) == 0, "a line of the kernel's is read");
	CHECK(stat.pid == 17 && stat.parent == 1 && stat.state == 'S' && stat.threads == 3, "with its numbers");
	CHECK(stat.cpu_ticks == 12 && stat.start_ticks == 123456, "and times");
}

static void check_names(void)
{
	CHECK(is_named("17 (bash) S" REST, "bash"), "a name is what is between the parentheses");
	CHECK(is_named("17 (a) R 99 (b) S" REST, "a) R 99 (b"), "also one that looks like more of the line");
	CHECK(is_named("17 () S" REST, "") && is_named("17 ()) S" REST, ")") && is_named("17 (\n\x1b[2J) S" REST, "\n\x1b[2J"), "and any bytes");
}

static void check_refused(void)
{
	static const char *const refused[] = {
		"", "17", "17 ", "17 (", "17 (bash", "17 (bash)", "17 (bash) ", "17 (bash) S", "17 (bash) S 1 1", "x (bash) S" REST, "-1 (bash) S" REST, "0 (bash) S" REST, "4294967296 (bash) S" REST,
		"17 [bash] S" REST, "17 (bash)S" REST, "17 (bash) 1" REST, "17 (bash) S x" REST, "17 (bash) S 1 1 1 0 -1 4194560 100 0 0 0 7 99999999999999999999 0 0 20 0 3 0 123456 10485760 42",
	};
	struct proc_stat stat;

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		CHECK(read_text(refused[i], &stat) < 0, "no line of the kernel's");
	CHECK(proc_stat_read("17 (a\0b) S" REST, sizeof("17 (a\0b) S" REST) - 1, &stat) < 0, "a NUL in it");
}

static void check_status(void)
{
	static const char *const refused[] = { "", "Uid:\t1\t2\t3\t4\n", "Name:\tx\nUid:\t\n", "Name:\tx\nUid:\t1\n", "Name:\tx\nUid:\t1\tx\n", "Name:\tx\nUid:\t1\t4294967296\t", "Name:\tx\nUid:\t-1\t-1\t", "Name:\tx\nUid:\t1\t2" };
	struct proc_status status;

	CHECK(proc_status_read("Name:\tx\nUmask:\t0022\nUid:\t1000\t1001\t1002\t1003\nGid:\t5\t5\t5\t5\nVmRSS:\t     132 kB\n", &status) == 0 && status.uid == 1001 && status.resident_kib == 132,
	      "the effective user and the memory of a status file");
	CHECK(proc_status_read("Name:\tUid:\\n\\tUid:\\t0\\t0\nUid:\t8\t9\t9\t9\n", &status) == 0 && status.uid == 9 && status.resident_kib == 0, "whatever the name is");
	CHECK(proc_status_read("Name:\tx\nUid:\t8\t9\t9\t9\nVmRSS:\t99999999999999999999 kB\n", &status) == 0 && status.resident_kib == 0, "no memory that is too much");
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		CHECK(proc_status_read(refused[i], &status) < 0, "no user there");
}

int main(void)
{
	check_numbers();
	check_names();
	check_refused();
	check_status();
	return tap_end();
}
