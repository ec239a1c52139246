/*
 * memory-bomb KIND BYTES: takes that much of the kernel's memory in one way, says "took N" or "refused N: why", and keeps it until it is killed.
 * What a file's cache or a mapping takes may be given up by the kernel meanwhile; then it was taken all the same.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <unistd.h>

/* One more packet fits into every connection, whatever the limit. */
#define MOST_CONNECTIONS 60

static char block[64 << 10];

/* Each takes up to `bytes`; what it returns is less when the kernel refuses more, with errno. */

/* volatile: the compiler sees that nobody reads it. */
static size_t touch(volatile char *memory, size_t bytes)
{
	for (size_t at = 0; at < bytes; at += 4096)
		memory[at] = (char)(at >> 12 | 1);
	return bytes;
}

static size_t write_up_to(int fd, size_t bytes)
{
	size_t taken = 0;

	while (fd >= 0 && taken < bytes) {
		ssize_t size = write(fd, block, bytes - taken < sizeof(block) ? bytes - taken : sizeof(block));

		if (size < 0)
			break;
		taken += (size_t)size;
	}
	return taken;
}

static size_t take_heap(size_t bytes)
{
	char *memory = malloc(bytes);

	return memory == NULL ? 0 : touch(memory, bytes);
}

static size_t take_memfd(size_t bytes)
{
	return write_up_to(memfd_create("bomb", 0), bytes);
}

/* Shared memory of System V is the kernel's own tmpfs. */
static size_t take_tmpfs(size_t bytes)
{
	int id = shmget(IPC_PRIVATE, bytes, IPC_CREAT | 0600);
	char *memory = id < 0 ? (void *)-1 : shmat(id, NULL, 0);

	return memory == (void *)-1 ? 0 : touch(memory, bytes);
}

static size_t take_dev_shm(size_t bytes)
{
	return write_up_to(open("/dev/shm/bomb", O_WRONLY | O_CREAT, 0600), bytes);
}

static size_t take_cache(size_t bytes)
{
	return write_up_to(open("bomb-written", O_WRONLY | O_CREAT, 0600), bytes);
}

static size_t take_mapped(size_t bytes)
{
	int fd = open("bomb-mapped", O_RDWR | O_CREAT, 0600);
	char *memory = fd < 0 || ftruncate(fd, (off_t)bytes) < 0 ? MAP_FAILED : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return memory == MAP_FAILED ? 0 : touch(memory, bytes);
}

static size_t take_pipes(size_t bytes)
{
	size_t taken = 0;
	int ends[2];

	while (taken < bytes && pipe2(ends, O_NONBLOCK) == 0) {
		/* A user may have so many pages in pipes; those above are small. */
		fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
		taken += write_up_to(ends[1], bytes - taken);
	}
	return taken;
}

static void enlarge(int fd)
{
	int size = 64 << 20;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

static size_t take_sockets(size_t bytes)
{
	size_t taken = 0;
	int ends[2];

	while (taken < bytes && socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0) {
		enlarge(ends[0]);
		taken += write_up_to(ends[0], bytes - taken);
	}
	return taken;
}

/* Connections to itself, whose other side never reads. */
static size_t take_tcp(size_t bytes)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	size_t taken = 0;

	if (bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 16) < 0 || getsockname(listener, (struct sockaddr *)&address, &size) < 0)
		return 0;
	for (int count = 0; taken < bytes && count < MOST_CONNECTIONS; count++) {
		int client = socket(AF_INET, SOCK_STREAM, 0);

		if (client < 0 || connect(client, (struct sockaddr *)&address, size) < 0 || accept(listener, NULL, NULL) < 0)
			break;
		fcntl(client, F_SETFL, O_NONBLOCK);
		taken += write_up_to(client, bytes - taken);
	}
	return taken;
}

static const struct {
	const char *name;
	size_t (*take)(size_t bytes);
} kinds[] = {
	{ "heap", take_heap }, { "memfd", take_memfd }, { "tmpfs", take_tmpfs }, { "dev-shm", take_dev_shm }, { "cache", take_cache },
	{ "mapped", take_mapped }, { "pipes", take_pipes }, { "sockets", take_sockets }, { "tcp", take_tcp },
};

int main(int argc, char **argv)
{
	struct rlimit files;

	if (argc != 3)
		return 2;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	memset(block, 'x', sizeof(block));
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].name, argv[1]) != 0)
			continue;
		size_t bytes = strtoull(argv[2], NULL, 10), taken = kinds[i].take(bytes);

		if (taken < bytes)
			printf("refused %zu: %s\n", taken, strerror(errno));
		else
			printf("took %zu\n", taken);
		for (;;)
			pause();
	}
	return 2;
}
