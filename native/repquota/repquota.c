/*
 * repquota [--project] FILESYSTEM ID...: prints what users, or projects, take of a file system, and how much they may.
 *
 * One line for each id, in the order of the arguments, of nine numbers:
 *
 *   ID BLOCKS SOFT HARD GRACE INODES SOFT HARD GRACE
 *
 * Everything is checked before anything is asked of the kernel, and one id that cannot be read ends the program. It only reads; lib/quota.c does.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/fd.h"
#include "lib/quota.h"
#include "repquota/arguments.h"

enum { FAILED = 1, WRONG_USE = 2 };

static const char usage[] =
	"usage: repquota [--project] FILESYSTEM ID...\n"
	"\n"
	"Prints the disk use and limits of each ID on the file system that is mounted on FILESYSTEM, a line each:\n"
	"\n"
	"  ID BLOCKS SOFT HARD GRACE INODES SOFT HARD GRACE\n"
	"\n"
	"Blocks are 1024 bytes, a limit of 0 is none, and GRACE is when the time above the soft limit ends, in seconds\n"
	"since the epoch, or 0.\n"
	"\n"
	"  -u, --user      ids are of users (default)\n"
	"  -p, --project   ids are of projects\n"
	"      --help      this text\n";

/* A directory that is not mounted would quietly be answered for by the file system that it is on. */
static int open_mount_point(const char *path, struct error *err)
{
	struct stat here, above;
	_cleanup_close_ int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	err->step = "open file system";
	if (directory < 0 || fstat(directory, &here) < 0 || fstatat(directory, "..", &above, 0) < 0)
		return error_set(err, errno, "%.200s", path);
	if (here.st_dev == above.st_dev && here.st_ino != above.st_ino)
		return error_set(err, EINVAL, "%.200s is not where a file system is mounted", path);
	return steal_fd(&directory);
}

static int report(const struct quota_file_system *file_system, uint32_t kind, uint32_t id, struct error *err)
{
	struct quota quota;

	err->step = "read quota";
	if (quota_read(file_system, kind, id, &quota, err) < 0)
		return -1;
	printf("%u %llu %llu %llu %llu %llu %llu %llu %llu\n", id, (unsigned long long)quota.space_in_bytes / QUOTA_BLOCK_SIZE,
		(unsigned long long)quota.soft_blocks, (unsigned long long)quota.hard_blocks, (unsigned long long)quota.block_grace_end,
		(unsigned long long)quota.inodes, (unsigned long long)quota.soft_inodes, (unsigned long long)quota.hard_inodes, (unsigned long long)quota.inode_grace_end);
	return 0;
}

static int run(const char *path, uint32_t kind, char *const *ids, struct error *err)
{
	struct quota_file_system file_system;
	_cleanup_close_ int directory = open_mount_point(path, err);

	if (directory < 0 || quota_open(directory, &file_system, err) < 0)
		return -1;
	for (; *ids != NULL; ids++) {
		uint32_t id;

		if (id_parse(*ids, &id) < 0 || report(&file_system, kind, id, err) < 0)
			return -1;
	}
	err->step = "write";
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : error_set(err, errno, "standard output");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "user", no_argument, NULL, 'u' },
		{ "project", no_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	uint32_t kind = QUOTA_USER, id;
	struct error err = { 0 };
	int option;

	while ((option = getopt_long(argc, argv, "+up", options, NULL)) != -1) {
		if (option != 'u' && option != 'p') {
			fputs(usage, option == 'h' ? stdout : stderr);
			return option == 'h' ? 0 : WRONG_USE;
		}
		kind = option == 'p' ? QUOTA_PROJECT : QUOTA_USER;
	}
	if (argc - optind < 2) {
		fprintf(stderr, "repquota: a FILESYSTEM and at least one ID are needed\n%s", usage);
		return WRONG_USE;
	}
	for (char **argument = argv + optind + 1; *argument != NULL; argument++)
		if (id_parse(*argument, &id) < 0) {
			fprintf(stderr, "repquota: %s is not an ID: a whole number below 4294967295\n", *argument);
			return WRONG_USE;
		}
	if (fd_open_standard() < 0)
		return FAILED;
	if (run(argv[optind], kind, argv + optind + 1, &err) == 0)
		return 0;
	error_print("repquota", &err);
	return FAILED;
}
