#include "iomux/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/fd.h"

enum { BACKLOG = 64 };

/* By descriptor: a directory's path may be longer than a socket's name. */
static struct sockaddr_un address_in(int directory)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/" LINK_SOCKET, directory);
	return address;
}

/* Whoever could write to it could take the socket's place and answer for us. */
static int check_owner(const struct meeting_place *place, struct error *err)
{
	struct stat status;

	if (fstat(place->fd, &status) < 0)
		return error_set(err, errno, "%s", place->path);
	if (status.st_uid != geteuid() || status.st_mode & (S_IWGRP | S_IWOTH))
		return error_set(err, EPERM, "%s has to be yours, and nobody else may write to it", place->path);
	return 0;
}

static int listen_in(struct meeting_place *place, struct error *err)
{
	struct sockaddr_un address = address_in(place->fd);
	_cleanup_close_ int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (listener < 0)
		return error_set(err, errno, "socket");
	mode_t mask = umask(0177);
	int result = bind(listener, (struct sockaddr *)&address, sizeof(address));
	int number = errno;

	umask(mask);
	if (result < 0 && number == EADDRINUSE)
		return error_set(err, EEXIST, "%s/" LINK_SOCKET " is there: another iomux-spawn uses the directory, or was killed; take another one, or remove it", place->path);
	if (result < 0)
		return error_set(err, number, "%s/" LINK_SOCKET, place->path);
	if (listen(listener, BACKLOG) < 0) {
		unlinkat(place->fd, LINK_SOCKET, 0);
		return error_set(err, errno, "listen");
	}
	place->listener = steal_fd(&listener);
	return 0;
}

int meeting_place_open(struct meeting_place *place, const char *path, struct error *err)
{
	*place = (struct meeting_place){ .path = path, .fd = -1, .listener = -1 };
	if (mkdir(path, 0700) == 0)
		place->made = true;
	else if (errno != EEXIST)
		return error_set(err, errno, "%s", path);
	place->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (place->fd < 0)
		error_set(err, errno, "%s", path);
	if (place->fd < 0 || check_owner(place, err) < 0 || listen_in(place, err) < 0) {
		if (place->made)
			rmdir(path);
		place->fd = close_fd(place->fd);
		return -1;
	}
	return 0;
}

void meeting_place_close(struct meeting_place *place)
{
	if (place->listener < 0)
		return;
	place->listener = close_fd(place->listener);
	unlinkat(place->fd, LINK_SOCKET, 0);
}

void meeting_place_remove(struct meeting_place *place)
{
	meeting_place_close(place);
	if (place->made)
		rmdir(place->path);
	place->fd = close_fd(place->fd);
}

int meeting_place_connect(const char *path, int *ret_fd, struct error *err)
{
	_cleanup_close_ int directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (directory < 0)
		return error_set(err, errno, "%s", path);
	struct sockaddr_un address = address_in(directory);
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return error_set(err, errno, "socket");
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return error_set(err, errno, "%s/" LINK_SOCKET, path);
	*ret_fd = steal_fd(&fd);
	return 0;
}
