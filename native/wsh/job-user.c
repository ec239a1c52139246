#include "wsh/job-user.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/fd.h"
#include "lib/syscalls.h"
#include "wsh/passwd.h"

#define FILE_NAME "/etc/passwd"

enum { PIECE = 4096 };

/* Not waiting for whoever holds a lease on it (fcntl(2)), nor for the writer of a FIFO. -1 with ENOENT when there is none. */
static int open_file(struct error *err)
{
	_cleanup_close_ int fd = sys_openat2(AT_FDCWD, FILE_NAME, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0,
					     WARDEN_RESOLVE_IN_ROOT | WARDEN_RESOLVE_NO_SYMLINKS);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return error_set(err, errno, FILE_NAME);
	if (!S_ISREG(status.st_mode))
		return error_set(err, EINVAL, FILE_NAME " is no regular file");
	return steal_fd(&fd);
}

/* 0 also when nobody was found. */
static int search_file(struct passwd_search *search, struct error *err)
{
	_cleanup_close_ int fd = open_file(err);
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
		if (total > JOB_USER_MAX_FILE)
			return error_set(err, EFBIG, FILE_NAME " is longer than %d bytes", JOB_USER_MAX_FILE);
	}
}

static bool has_variable(const struct run_request *request, const char *name, size_t length)
{
	for (size_t i = 0; i < request->environment.count; i++)
		if (strncmp(request->environment.items[i], name, length) == 0 && request->environment.items[i][length] == '=')
			return true;
	return false;
}

static int add_variable(struct run_request *request, const char *name, const char *value, struct error *err)
{
	char text[PASSWD_MAX_LINE + 16];

	if (has_variable(request, name, strlen(name)))
		return 0;
	snprintf(text, sizeof(text), "%s=%s", name, value);
	return run_request_add_environment(request, text, err);
}

static int apply(struct run_request *request, uint32_t uid, uint32_t gid, const char *user, const char *home, struct error *err)
{
	if (uid == 0 && !request->privileged)
		return error_set(err, EPERM, "%s is root of the container, and the job is not privileged", request->user_name);
	/* Where a login would land when the home directory is not a path. */
	if (home[0] != '/')
		home = "/";
	request->uid = uid;
	request->gid = gid;
	if (request->working_directory == NULL && (request->working_directory = strdup(home)) == NULL)
		return error_set(err, ENOMEM, "working directory");
	return add_variable(request, "HOME", home, err) < 0 ? -1 : add_variable(request, "USER", user, err);
}

int job_user_find(struct run_request *request, struct error *err)
{
	struct passwd_search search = { 0 };
	const char *text = request->user_name, *colon = strchr(text, ':');
	size_t length = colon != NULL ? (size_t)(colon - text) : strlen(text);
	uint32_t gid = 0;
	char number[16];

	err->step = "find user";
	bool by_number = passwd_read_id(text, length, &search.wanted_uid);

	if (length == 0 || (colon != NULL && (!by_number || !passwd_read_id(colon + 1, strlen(colon + 1), &gid))))
		return error_set(err, EINVAL, "%s is neither NAME nor UID nor UID:GID", text);
	if (!by_number)
		search.name = text;
	if (search_file(&search, err) < 0)
		return -1;
	if (search.found)
		return apply(request, search.uid, colon != NULL ? gid : search.gid, search.user, search.home, err);
	if (!by_number)
		return error_set(err, ENOENT, "%s", text);
	snprintf(number, sizeof(number), "%u", search.wanted_uid);
	return apply(request, search.wanted_uid, colon != NULL ? gid : search.wanted_uid, number, "/", err);
}
