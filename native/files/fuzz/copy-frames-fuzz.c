/*
 * files/copy-receiver.c and copy-sender.c: what the other end of a copy says, with descriptors of whatever kind beside its files. Nothing but the destination
 * may be touched, and nothing be made there but directories, links, and files without set-id bits.
 *
 * The first byte of the input chooses the end that is tested, and the kinds of the descriptors that are sent; the rest are the frames.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "files/copy-frames.h"
#include "files/copy-receiver.h"
#include "lib/fd.h"
#include "lib/remove.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LONGEST_INPUT = 48 << 10, ENTRY_LIMIT = 100, BYTE_LIMIT = 1 << 20, SENDER = 1 };

/* In memory: the disk would be most of the time. */
static char base[] = "/dev/shm/copy-frames-XXXXXX";
static const char canary[] = "canary";

static void require(bool holds)
{
	if (!holds)
		__builtin_trap();
}

static int open_in_base(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "%s%s", base, name);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void write_file(int directory, const char *name)
{
	struct error err;
	_cleanup_close_ int fd = openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	require(fd >= 0 && fd_write_all(fd, canary, sizeof(canary), 0, &err) == 0);
}

static void remove_base(void)
{
	struct error ignored;

	remove_tree(AT_FDCWD, base, &ignored);
}

static void prepare(void)
{
	static bool prepared;

	if (prepared)
		return;
	prepared = true;
	require(mkdtemp(base) != NULL);
	atexit(remove_base);
	_cleanup_close_ int directory = open_in_base("");

	require(mkdirat(directory, "into", 0755) == 0 && mkdirat(directory, "from", 0755) == 0 && mkdirat(directory, "from/sub", 0755) == 0);
	write_file(directory, "from/file");
	require(symlinkat("/", directory, "from/sub/link") == 0);
	write_file(directory, canary);
}

static int descriptor(unsigned int kind)
{
	int fd;

	switch (kind % 4) {
	case 0:
		return open("/dev/zero", O_RDONLY | O_CLOEXEC);
	case 1:
		return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	case 2:
		return -1;
	default:
		/* Opened again, for reading alone. */
		fd = memfd_create("content", MFD_CLOEXEC);
		require(fd >= 0 && ftruncate(fd, 1000) == 0 && pwrite(fd, "end", 3, 900) == 3);
		char path[32];

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		int reader = open(path, O_RDONLY | O_CLOEXEC);

		close_fd(fd);
		return reader;
	}
}

static void send_piece(int socket, const uint8_t *data, size_t size, int fd)
{
	union {
		char data[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { .data = { 0 } };
	struct iovec vector = { .iov_base = (void *)(uintptr_t)data, .iov_len = size };
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1 };

	if (fd >= 0) {
		message.msg_control = control.data;
		message.msg_controllen = sizeof(control.data);
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);

		*header = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int)) };
		memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	}
	sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	close_fd(fd);
}

static void send_all(int socket, const uint8_t *data, size_t size, unsigned int kinds)
{
	while (size >= WIRE_HEADER_SIZE) {
		size_t body = wire_load_u32(data), whole = body > size - WIRE_HEADER_SIZE ? size : body + WIRE_HEADER_SIZE;
		bool is_file = wire_load_u16(data + 4) == COPY_FILE;

		send_piece(socket, data, whole, is_file ? descriptor(kinds) : -1);
		kinds = is_file ? kinds >> 2 | kinds << 6 : kinds;
		data += whole;
		size -= whole;
	}
	if (size > 0)
		send_piece(socket, data, size, -1);
	shutdown(socket, SHUT_WR);
}

/* And takes it away. */
static void check_made(int directory)
{
	struct error err;
	DIR *stream = fdopendir(dup(directory));
	const struct dirent *entry;

	require(stream != NULL);
	while ((entry = readdir(stream)) != NULL) {
		struct stat status;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		require(fstatat(directory, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0);
		require(S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) || S_ISLNK(status.st_mode));
		require((status.st_mode & (S_ISUID | S_ISGID)) == 0);
		if (S_ISDIR(status.st_mode)) {
			/* Its mode may be none that lets us in. */
			require(fchmodat(directory, entry->d_name, 0700, 0) == 0);
			_cleanup_close_ int inner = openat(directory, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

			check_made(inner);
		}
		char *name = (char *)(uintptr_t)entry->d_name;

		require(remove_entries(directory, &name, 1, &err) == 0);
	}
	closedir(stream);
}

static void check_rest(const struct stat *before)
{
	_cleanup_close_ int directory = open_in_base("");
	struct stat after;
	int entries = 0;
	DIR *stream = fdopendir(dup(directory));

	require(stream != NULL);
	while (readdir(stream) != NULL)
		entries++;
	closedir(stream);
	require(entries == 5 && fstatat(directory, canary, &after, AT_SYMLINK_NOFOLLOW) == 0);
	require(after.st_ino == before->st_ino && after.st_mode == before->st_mode && after.st_size == before->st_size && after.st_nlink == 1 &&
	        after.st_ctim.tv_sec == before->st_ctim.tv_sec && after.st_ctim.tv_nsec == before->st_ctim.tv_nsec);
}

static void receive(struct channel *channel)
{
	const struct copy_reports reports = { .progress = NULL };
	struct copy_order order = {
		.place = { .root = -1 },
		.policy = { .entry_limit = ENTRY_LIMIT, .byte_limit = BYTE_LIMIT, .depth_limit = COPY_MAX_DEPTH, .mode_bits = TREE_MODE_PLAIN },
	};
	char path[64];
	struct copy_counts counts;
	struct error err = { 0 };

	snprintf(path, sizeof(path), "%s/into", base);
	order.path = path;
	copy_receive(channel, &order, &reports, &counts, &err);
	require(counts.entries <= ENTRY_LIMIT && counts.bytes <= BYTE_LIMIT && counts.skipped <= ENTRY_LIMIT);
	_cleanup_close_ int directory = open_in_base("/into");

	check_made(directory);
}

static void send_source(struct channel *channel)
{
	const struct copy_reports reports = { .progress = NULL };
	const struct place host = { .root = -1 };
	struct copy_source source;
	struct copy_counts counts;
	struct error err = { 0 };
	char path[64];

	snprintf(path, sizeof(path), "%s/from/", base);
	require(copy_source_open(&source, &host, path, &err) == 0);
	copy_send(channel, &source, &reports, &counts, &err);
	copy_source_close(&source);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct channel channel;
	struct error err = { 0 };
	struct stat before;
	int pair[2];

	if (size < 1 || size > LONGEST_INPUT)
		return 0;
	prepare();
	_cleanup_close_ int directory = open_in_base("");

	require(fstatat(directory, canary, &before, AT_SYMLINK_NOFOLLOW) == 0);
	require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	send_all(pair[1], data + 1, size - 1, data[0] >> 1 | 0x80);
	require(channel_init(&channel, pair[0], -1, &err) == 0);
	if (data[0] & SENDER)
		send_source(&channel);
	else
		receive(&channel);
	channel_free(&channel);
	close_fd(pair[0]);
	close_fd(pair[1]);
	check_rest(&before);
	return 0;
}
