/*
 * A library of an image, for whatever loads libraries there: as a name service of the image's, or because /etc/ld.so.preload has it. Notes as what it was loaded,
 * into which program and in which namespaces, at the end of a file, whose path is the same on the host and in the image. Built by the test with its own name and that path.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void read_link(const char *path, char *ret_text, size_t size)
{
	ssize_t count = readlink(path, ret_text, size - 1);

	/* In a root without /proc. */
	if (count <= 0) {
		snprintf(ret_text, size, "?");
		return;
	}
	ret_text[count] = '\0';
}

__attribute__((constructor)) static void note(void)
{
	char program[256], mounts[64], user[64], line[512];

	read_link("/proc/self/exe", program, sizeof(program));
	read_link("/proc/self/ns/mnt", mounts, sizeof(mounts));
	read_link("/proc/self/ns/user", user, sizeof(user));
	int length = snprintf(line, sizeof(line), "%s %s %s %s\n", EVIL_NAME, program, mounts, user);
	int fd = open(EVIL_LOG, O_WRONLY | O_APPEND | O_CLOEXEC);

	if (fd < 0 || write(fd, line, (size_t)length) != length)
		perror(EVIL_LOG);
}
