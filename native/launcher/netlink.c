#include "launcher/netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "lib/fd.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

enum { ANSWER_TIMEOUT_SECONDS = 5, ANSWER_BUFFER_SIZE = 16384, DUMP_BUFFER_SIZE = 32768 };

void netlink_batch_init(struct netlink_batch *batch, void *bytes, size_t size)
{
	static uint32_t sequence;

	sequence += NETLINK_MAX_MESSAGES;
	*batch = (struct netlink_batch){ .bytes = bytes, .size = size, .first = sequence, .last = UINT32_MAX };
}

/* Take `length` bytes, aligned and zeroed, at the end of the batch and of its message. */
static void *batch_take(struct netlink_batch *batch, size_t length)
{
	size_t aligned = MNL_ALIGN(length);

	if (batch->full || aligned > batch->size - batch->used) {
		batch->full = true;
		return NULL;
	}
	void *taken = batch->bytes + batch->used;
	memset(taken, 0, aligned);
	batch->used += aligned;
	return taken;
}

void *netlink_message(struct netlink_batch *batch, uint16_t type, uint16_t flags, size_t header_size)
{
	if (batch->count == NETLINK_MAX_MESSAGES)
		batch->full = true;
	struct nlmsghdr *message = batch_take(batch, MNL_NLMSG_HDRLEN + MNL_ALIGN(header_size));

	if (message == NULL)
		return NULL;
	message->nlmsg_len = (uint32_t)(MNL_NLMSG_HDRLEN + MNL_ALIGN(header_size));
	message->nlmsg_type = type;
	message->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	message->nlmsg_seq = batch->first + batch->count++;
	batch->message = message;
	return mnl_nlmsg_get_payload(message);
}

void *netlink_reserve(struct netlink_batch *batch, size_t length)
{
	void *taken = batch->message != NULL ? batch_take(batch, length) : NULL;

	if (taken != NULL)
		batch->message->nlmsg_len += (uint32_t)MNL_ALIGN(length);
	return taken;
}

void netlink_put(struct netlink_batch *batch, uint16_t attribute, const void *data, size_t length)
{
	if (length > UINT16_MAX - MNL_ATTR_HDRLEN) {
		batch->full = true;
		return;
	}
	struct nlattr *attr = netlink_reserve(batch, MNL_ATTR_HDRLEN + length);

	if (attr == NULL)
		return;
	attr->nla_type = attribute;
	attr->nla_len = (uint16_t)(MNL_ATTR_HDRLEN + length);
	if (length)
		memcpy((char *)attr + MNL_ATTR_HDRLEN, data, length);
}

void netlink_put_u8(struct netlink_batch *batch, uint16_t attribute, uint8_t value)
{
	netlink_put(batch, attribute, &value, sizeof value);
}

void netlink_put_u32(struct netlink_batch *batch, uint16_t attribute, uint32_t value)
{
	netlink_put(batch, attribute, &value, sizeof value);
}

void netlink_put_string(struct netlink_batch *batch, uint16_t attribute, const char *text)
{
	netlink_put(batch, attribute, text, strlen(text) + 1);
}

struct nlattr *netlink_nest(struct netlink_batch *batch, uint16_t attribute)
{
	struct nlattr *nest = netlink_reserve(batch, MNL_ATTR_HDRLEN);

	if (nest != NULL)
		nest->nla_type = NLA_F_NESTED | attribute;
	return nest;
}

void netlink_nest_end(struct netlink_batch *batch, struct nlattr *nest)
{
	if (nest == NULL || batch->full)
		return;
	size_t length = (size_t)(batch->bytes + batch->used - (char *)nest);

	if (length > UINT16_MAX)
		batch->full = true;
	else
		nest->nla_len = (uint16_t)length;
}

void netlink_acknowledge(struct netlink_batch *batch)
{
	if (batch->full || batch->message == NULL)
		return;
	batch->message->nlmsg_flags |= NLM_F_ACK;
	batch->last = batch->count - 1;
}

int netlink_open(int protocol, size_t capacity, struct error *err)
{
	static const char *const names[] = { [NETLINK_ROUTE] = "rtnetlink", [NETLINK_SOCK_DIAG] = "sock_diag", [NETLINK_NETFILTER] = "nfnetlink" };
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	int on = 1, bytes = (int)capacity;
	struct timeval timeout = { .tv_sec = ANSWER_TIMEOUT_SECONDS };
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	/* FORCE passes net.core.{r,w}mem_max; without the right to (CAP_NET_ADMIN) nothing else here would work either. */
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) < 0 ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on) < 0 ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on) < 0 ||
	    connect(fd, (struct sockaddr *)&kernel, sizeof kernel) < 0)
		return error_set(err, errno, "%s socket", names[protocol]);
	return steal_fd(&fd);
}

static void answer_read(const struct nlmsghdr *header, struct netlink_answer *ret_answer)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(header);
	size_t offset = sizeof *error;

	ret_answer->number = -error->error;
	ret_answer->text[0] = '\0';
	if (!(header->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(header->nlmsg_flags & NLM_F_CAPPED))
		offset += mnl_nlmsg_get_payload_len(&error->msg);
	const struct nlattr *text = netlink_find(header, offset, NLMSGERR_ATTR_MSG);

	if (text != NULL)
		snprintf(ret_answer->text, sizeof(ret_answer->text), "%.*s", (int)mnl_attr_get_payload_len(text), (const char *)mnl_attr_get_payload(text));
}

struct listener {
	netlink_answer_function answer;
	netlink_data_function data;   /* NULL: what is no answer is of no interest */
	void *context;
};

/* 1: there is more to come; 0: that was the end; else -errno. */
typedef int (*take_function)(const struct netlink_batch *batch, const struct nlmsghdr *header, const struct listener *listener);

static int take_message(const struct netlink_batch *batch, const struct nlmsghdr *header, const struct listener *listener)
{
	uint32_t index = header->nlmsg_seq - batch->first;

	if (index >= batch->count)
		return 1;   /* of an earlier exchange that timed out */
	if (header->nlmsg_type != NLMSG_ERROR) {
		if (listener->data != NULL && header->nlmsg_type >= NLMSG_MIN_TYPE)
			listener->data(header, listener->context);
		return 1;
	}
	if (mnl_nlmsg_get_payload_len(header) < sizeof(struct nlmsgerr))
		return 1;
	struct netlink_answer answer = { .index = index };

	answer_read(header, &answer);
	return listener->answer(&answer, listener->context) || index == batch->last ? 0 : 1;
}

/* Sends the batch, and hands over what comes, message by message, until the end. */
static int converse(int fd, const struct netlink_batch *batch, char *buffer, size_t size, take_function take, const struct listener *listener)
{
	if (batch->full)
		return -E2BIG;
	if (send(fd, batch->bytes, batch->used, 0) < 0)
		return -errno;
	for (;;) {
		ssize_t got = recv(fd, buffer, size, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		const struct nlmsghdr *header = (const struct nlmsghdr *)buffer;
		int left = (int)got;

		for (; netlink_is_whole(header, left); header = mnl_nlmsg_next(header, &left)) {
			int result = take(batch, header, listener);

			if (result <= 0)
				return result;
		}
	}
}

static int exchange(int fd, struct netlink_batch *batch, const struct listener *listener)
{
	_Alignas(struct nlmsghdr) char buffer[ANSWER_BUFFER_SIZE];

	if (batch->message == NULL)
		return batch->full ? -E2BIG : 0;
	if (batch->last == UINT32_MAX)
		netlink_acknowledge(batch);
	return converse(fd, batch, buffer, sizeof(buffer), take_message, listener);
}

int netlink_exchange(int fd, struct netlink_batch *batch, netlink_answer_function function, void *context)
{
	const struct listener listener = { .answer = function, .context = context };

	return exchange(fd, batch, &listener);
}

static bool go_on(const struct netlink_answer *answer, void *context)
{
	(void)answer;
	(void)context;
	return false;
}

int netlink_query(int fd, struct netlink_batch *batch, netlink_data_function function, void *context)
{
	const struct listener listener = { .answer = go_on, .data = function, .context = context };

	return exchange(fd, batch, &listener);
}

static int take_entry(const struct netlink_batch *batch, const struct nlmsghdr *header, const struct listener *listener)
{
	if (header->nlmsg_seq != batch->first)
		return 1;   /* of an earlier exchange that timed out */
	if (header->nlmsg_type >= NLMSG_MIN_TYPE) {
		listener->data(header, listener->context);
		return 1;
	}
	if (header->nlmsg_type != NLMSG_DONE && header->nlmsg_type != NLMSG_ERROR)
		return 1;
	/* Both begin with the number. */
	return mnl_nlmsg_get_payload_len(header) < sizeof(int) ? 0 : *(const int *)mnl_nlmsg_get_payload(header);
}

int netlink_dump(int fd, const struct netlink_batch *batch, netlink_data_function function, void *context)
{
	/* The kernel fills datagrams of up to 32 KiB. */
	_Alignas(struct nlmsghdr) char buffer[DUMP_BUFFER_SIZE];
	const struct listener listener = { .data = function, .context = context };

	return converse(fd, batch, buffer, sizeof(buffer), take_entry, &listener);
}

static bool keep_first_failure(const struct netlink_answer *answer, void *context)
{
	struct netlink_answer *first = context;

	if (answer->number && !first->number)
		*first = *answer;
	return false;
}

int netlink_apply(int fd, struct netlink_batch *batch, struct netlink_answer *ret_answer)
{
	*ret_answer = (struct netlink_answer){ 0 };
	int result = netlink_exchange(fd, batch, keep_first_failure, ret_answer);

	return result < 0 ? result : -ret_answer->number;
}

const struct nlattr *netlink_find(const struct nlmsghdr *message, size_t header_size, uint16_t type)
{
	const struct nlattr *attribute;

	mnl_attr_for_each(attribute, message, (unsigned int)header_size)
		if (mnl_attr_get_type(attribute) == type)
			return attribute;
	return NULL;
}
