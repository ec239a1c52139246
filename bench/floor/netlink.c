#include "floor/netlink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib/fd.h"

int netlink_open(int protocol, struct error *err)
{
	struct timeval patience = { .tv_sec = 10 };
	int one = 1, fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one)) < 0) {
		error_set(err, errno, "netlink socket");
		return close_fd(fd);
	}
	return fd;
}

static void *take(struct batch *batch, size_t size)
{
	void *place = batch->bytes + batch->used;

	/* A programming error of the floor's own: its messages have fixed sizes. */
	if (batch->used + NLMSG_ALIGN(size) > sizeof(batch->bytes))
		abort();
	memset(place, 0, NLMSG_ALIGN(size));
	batch->used += NLMSG_ALIGN(size);
	if (batch->message != NULL)
		batch->message->nlmsg_len = (uint32_t)(batch->bytes + batch->used - (char *)batch->message);
	return place;
}

void batch_message(struct batch *batch, uint16_t type, uint16_t flags, const void *header, size_t size)
{
	batch->message = NULL;
	struct nlmsghdr *message = take(batch, sizeof(*message));

	batch->message = message;
	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | flags;
	message->nlmsg_seq = (uint32_t)batch->used;
	message->nlmsg_len = sizeof(*message);
	batch_reserve(batch, header, size);
}

void batch_reserve(struct batch *batch, const void *data, size_t size)
{
	memcpy(take(batch, size), data, size);
}

void batch_put(struct batch *batch, uint16_t attribute, const void *data, size_t size)
{
	struct nlattr *header = take(batch, NLA_HDRLEN + size);

	header->nla_type = attribute;
	header->nla_len = (uint16_t)(NLA_HDRLEN + size);
	memcpy((char *)header + NLA_HDRLEN, data, size);
}

struct nlattr *batch_nest(struct batch *batch, uint16_t attribute)
{
	struct nlattr *header = take(batch, NLA_HDRLEN);

	header->nla_type = NLA_F_NESTED | attribute;
	return header;
}

void batch_end(struct batch *batch, struct nlattr *nest)
{
	nest->nla_len = (uint16_t)(batch->bytes + batch->used - (char *)nest);
}

void batch_acknowledge(struct batch *batch)
{
	batch->message->nlmsg_flags |= NLM_F_ACK;
}

int batch_send(int fd, struct batch *batch, const char *object, struct error *err)
{
	char answer[8192];
	uint32_t last = 0;

	for (struct nlmsghdr *message = (struct nlmsghdr *)batch->bytes; (char *)message < batch->bytes + batch->used;
	     message = (struct nlmsghdr *)((char *)message + NLMSG_ALIGN(message->nlmsg_len)))
		if (message->nlmsg_flags & NLM_F_ACK)
			last = message->nlmsg_seq;
	if (send(fd, batch->bytes, batch->used, 0) < 0)
		return error_set(err, errno, "%s", object);
	for (;;) {
		ssize_t got = recv(fd, answer, sizeof(answer), 0);

		if (got < 0)
			return error_set(err, errno, "%s", object);
		for (struct nlmsghdr *header = (struct nlmsghdr *)answer; NLMSG_OK(header, (uint32_t)got); header = NLMSG_NEXT(header, got)) {
			int number = header->nlmsg_type == NLMSG_ERROR ? -((struct nlmsgerr *)NLMSG_DATA(header))->error : 0;

			if (number != 0)
				return error_set(err, number, "%s", object);
			if (header->nlmsg_type == NLMSG_ERROR && header->nlmsg_seq == last)
				return 0;
		}
	}
}
