/*
 * fill-disk KIND: fills the working directory in one way until that fails, and prints how often it worked and the errno of the end ("bus" for a page
 * that found no place). With a second argument it then keeps what it has, until its standard input ends.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { PIECE = 64 << 10, PAGE = 4096, ENOUGH = 200000 };

static char piece[PIECE];
static int file = -1;
static char *map;
static volatile int count;

static int open_file(const char *name)
{
	return open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
}

static int write_data(int number)
{
	if (number == 0 && (file = open_file("data")) < 0)
		return -1;
	return (int)write(file, piece, PIECE);
}

static int write_deleted(int number)
{
	if (number == 0 && ((file = open_file("deleted")) < 0 || unlink("deleted") < 0))
		return -1;
	return (int)write(file, piece, PIECE);
}

/* Every other megabyte of a file of a tebibyte. */
static int write_sparse(int number)
{
	if (number == 0 && ((file = open_file("sparse")) < 0 || ftruncate(file, 1LL << 40) < 0))
		return -1;
	return (int)pwrite(file, piece, PIECE, (off_t)number << 21);
}

static int allocate(int number)
{
	if (number == 0 && (file = open_file("allocated")) < 0)
		return -1;
	return fallocate(file, 0, (off_t)number * PIECE, PIECE);
}

static int write_mapped(int number)
{
	if (number == 0) {
		if ((file = open_file("mapped")) < 0 || ftruncate(file, 1LL << 30) < 0)
			return -1;
		map = mmap(NULL, 1 << 30, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
		if (map == MAP_FAILED)
			return -1;
	}
	map[(size_t)number * PAGE] = 1;
	return 0;
}

/* As long as names can be: they are what most of such files take. */
static int make_empty(int number)
{
	char name[256];

	snprintf(name, sizeof(name), "%0250d", number);
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);

	return fd < 0 ? -1 : close(fd);
}

static int make_directory(int number)
{
	char name[256];

	snprintf(name, sizeof(name), "%0250d", number);
	return mkdir(name, 0700);
}

static int add_attribute(int number)
{
	char name[32];

	/* One to a file, of a size that every file system takes. */
	snprintf(name, sizeof(name), "attributes-%d", number);
	file = open_file(name);
	return file < 0 ? -1 : fsetxattr(file, "user.filler", piece, 3000, 0) | close(file);
}

/* No file takes more than some ten thousand. */
static int make_link(int number)
{
	char from[32], to[256];

	snprintf(from, sizeof(from), "linked-%d", number / 10000);
	snprintf(to, sizeof(to), "%0250d", number);
	if (number % 10000 == 0 && ((file = open_file(from)) < 0 || close(file) < 0))
		return -1;
	return link(from, to);
}

static int make_symbolic_link(int number)
{
	char name[32];
	static char target[2000];

	memset(target, 'x', sizeof(target) - 1);
	snprintf(name, sizeof(name), "symlink-%d", number);
	return symlink(target, name);
}

static const struct { const char *name; int (*fill)(int number); } kinds[] = {
	{ "data", write_data }, { "deleted", write_deleted }, { "sparse", write_sparse }, { "allocated", allocate }, { "mapped", write_mapped },
	{ "empty", make_empty }, { "directories", make_directory }, { "attributes", add_attribute }, { "links", make_link }, { "symlinks", make_symbolic_link },
};

static void finish(const char *end, int keep)
{
	char byte;

	printf("%d %s\n", count, end);
	fflush(stdout);
	while (keep && read(0, &byte, 1) > 0)
		continue;
	_exit(0);
}

static int keeps;

static void on_bus(int signal)
{
	(void)signal;
	finish("bus", keeps);
}

int main(int argc, char **argv)
{
	keeps = argc > 2;
	signal(SIGBUS, on_bus);
	memset(piece, 'x', sizeof(piece));
	for (size_t i = 0; argc > 1 && i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(kinds[i].name, argv[1]) != 0)
			continue;
		while (count < ENOUGH && kinds[i].fill(count) >= 0)
			count++;
		char end[16];

		snprintf(end, sizeof(end), "%d", count < ENOUGH ? errno : 0);
		finish(end, keeps);
	}
	return 2;
}
