/* One packet each way between the parent and PID 1, with descriptors beside it. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "floor/floor.h"

enum { CONTROL_MAX_FDS = 16 };

int control_send(int fd, const struct control_packet *packet, const int *fds, size_t fd_count, struct error *err)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(CONTROL_MAX_FDS * sizeof(int))];
	} control = { 0 };
	struct iovec data = { .iov_base = (void *)packet, .iov_len = sizeof(*packet) };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };

	if (fd_count > 0) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds, fd_count * sizeof(int));
	}
	return sendmsg(fd, &message, MSG_NOSIGNAL) < 0 ? error_set(err, errno, "control socket") : 0;
}

int control_receive(int fd, struct control_packet *ret_packet, int *ret_fds, size_t fd_limit, size_t *ret_fd_count, struct error *err)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(CONTROL_MAX_FDS * sizeof(int))];
	} control;
	struct iovec data = { .iov_base = ret_packet, .iov_len = sizeof(*ret_packet) };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	size_t count = 0;
	ssize_t got;

	do
		got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR && !interrupted());
	if (got < 0)
		return error_set(err, errno == EAGAIN ? ETIMEDOUT : errno, "control socket");
	if (got != (ssize_t)sizeof(*ret_packet))
		return error_set(err, got == 0 ? EPIPE : EBADMSG, "control socket");
	for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		if (count > fd_limit)
			return error_set(err, E2BIG, "%zu descriptors", count);
		memcpy(ret_fds, CMSG_DATA(header), count * sizeof(int));
	}
	if (ret_fd_count != NULL)
		*ret_fd_count = count;
	if (ret_packet->kind == CONTROL_FAILED) {
		ret_packet->text[sizeof(ret_packet->text) - 1] = '\0';
		return error_set(err, ret_packet->status, "in the container: %s", ret_packet->text);
	}
	return 0;
}
