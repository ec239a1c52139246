/* lib/remove.c: directories of any depth and size, and nothing that links lead to. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/remove.h"
#include "test/tap.h"

enum { DEEP = 300, WIDE = 3000 };

static int count_entries(int directory)
{
	DIR *stream = fdopendir(openat(directory, ".", O_RDONLY | O_DIRECTORY));
	int count = stream == NULL ? -1 : 0;

	while (stream != NULL && readdir(stream) != NULL)
		count++;
	if (stream != NULL)
		closedir(stream);
	return count - 2;   /* "." and ".." */
}

static bool make_deep(int directory, const char *name)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY);

	for (int level = 0; level < DEEP && fd >= 0; level++) {
		int next = mkdirat(fd, level == 0 ? name : "d", 0755) == 0 ? openat(fd, level == 0 ? name : "d", O_RDONLY | O_DIRECTORY) : -1;
		int file = next < 0 ? -1 : openat(next, "f", O_WRONLY | O_CREAT, 0644);

		close(file);
		close(fd);
		fd = next;
	}
	close(fd);
	return fd >= 0;
}

static bool make_wide(int directory, const char *name)
{
	int fd = mkdirat(directory, name, 0755) == 0 ? openat(directory, name, O_RDONLY | O_DIRECTORY) : -1;
	bool made = fd >= 0;

	for (int i = 0; i < WIDE && made; i++) {
		char file[16];

		snprintf(file, sizeof(file), "f%d", i);
		int made_file = openat(fd, file, O_WRONLY | O_CREAT, 0644);

		made = made_file >= 0;
		close(made_file);
	}
	close(fd);
	return made;
}

int main(void)
{
	char path[] = "/tmp/warden-remove-XXXXXX";
	struct error err;

	CHECK(mkdtemp(path) != NULL, "a directory");
	int directory = open(path, O_RDONLY | O_DIRECTORY);

	CHECK(make_deep(directory, "deep") && make_wide(directory, "wide") && mkdirat(directory, "outside", 0755) == 0, "its contents");
	close(openat(directory, "outside/kept", O_WRONLY | O_CREAT, 0644));
	CHECK(mkdirat(directory, "links", 0755) == 0 && symlinkat("../outside", directory, "links/relative") == 0 && symlinkat("/", directory, "links/root") == 0,
	      "links out of it");

	CHECK(remove_tree(directory, "deep", &err) < 0 && err.number == ELOOP, "too deep for one who may not move what he finds");
	char *names[] = { "deep", "wide", "links", "absent" };

	CHECK(remove_entries(directory, names, 4, &err) == 0, "but not for one who may");
	CHECK(faccessat(directory, "outside/kept", F_OK, 0) == 0, "links are not followed");
	CHECK(count_entries(directory) == 1, "nothing else is left");
	CHECK(remove_tree(directory, "outside", &err) == 0 && remove_tree(directory, "outside", &err) == 0, "a tree, and once more");
	CHECK(rmdir(path) == 0, "the directory is empty");
	close(directory);
	return tap_end();
}
