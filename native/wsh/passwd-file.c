#include "wsh/passwd-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/syscalls.h"

#define FILE_NAME "/etc/passwd"

enum { PIECE = 4096 };

/* Not waiting for whoever holds a lease on it (fcntl(2)), nor for the writer of a FIFO. -1 with ENOENT when there is none. */
static int open_file(const uint32_t *key, struct error *err)
{
	const struct warden_open_how how = {
		.flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, .resolve = WARDEN_RESOLVE_IN_ROOT | WARDEN_RESOLVE_NO_SYMLINKS,
	};
	_cleanup_close_ int fd = (int)syscall(SYS_openat2, AT_FDCWD, FILE_NAME, &how, sizeof(how), key != NULL ? key[0] : 0, key != NULL ? key[1] : 0);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return error_set(err, errno, FILE_NAME);
	if (!S_ISREG(status.st_mode))
		return error_set(err, EINVAL, FILE_NAME " is no regular file");
	return steal_fd(&fd);
}

/* 0 also when nobody was found. */
static int search_file(struct passwd_search *search, const uint32_t *key, struct error *err)
{
	_cleanup_close_ int fd = open_file(key, err);
	size_t total = 0;

	if (fd < 0)
		return err->number == ENOENT ? 0 : -1;
	for (;;) {
		char piece[PIECE];
		ssize_t count = read(fd, piece, sizeof(piece));

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return error_set(err, errno, FILE_NAME);
		if (count == 0) {
			passwd_end(search);
			return 0;
		}
		if (passwd_feed(search, piece, (size_t)count))
			return 0;
		total += (size_t)count;
		if (total > PASSWD_FILE_MAX)
			return error_set(err, EFBIG, FILE_NAME " is longer than %d bytes", PASSWD_FILE_MAX);
	}
}

int passwd_file_find(struct passwd_search *ret_search, const char *text, uint32_t *ret_gid, const uint32_t *key, struct error *err)
{
	const char *colon = strchr(text, ':');
	size_t length = colon != NULL ? (size_t)(colon - text) : strlen(text);
	uint32_t gid = 0;

	err->step = "find user";
	*ret_search = (struct passwd_search){ 0 };
	bool by_number = passwd_read_id(text, length, &ret_search->wanted_uid);

	if (length == 0 || (colon != NULL && (!by_number || !passwd_read_id(colon + 1, strlen(colon + 1), &gid))))
		return error_set(err, EINVAL, "%s is neither NAME nor UID nor UID:GID", text);
	if (!by_number)
		ret_search->name = text;
	if (search_file(ret_search, key, err) < 0)
		return -1;
	if (!ret_search->found && !by_number)
		return error_set(err, ENOENT, "%s", text);
	if (!ret_search->found)
		ret_search->uid = ret_search->gid = ret_search->wanted_uid;
	*ret_gid = colon != NULL ? gid : ret_search->gid;
	return 0;
}
