/*
 * Batches of netlink messages: one datagram out, every answer in.
 *
 * rtnetlink and nfnetlink work inside sendmsg(2): when it returns, all answers are queued. One message of a batch,
 * commonly its last, asks for an acknowledgement; one that fails is answered in any case, in the order of the batch.
 */
#ifndef LAUNCHER_NETLINK_H
#define LAUNCHER_NETLINK_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"

/* At most this many messages fit a batch, so that sequence numbers of two batches never meet. */
enum { NETLINK_MAX_MESSAGES = 1 << 15 };

/* Messages in memory of the caller's. A batch that does not fit is marked `full` and refused when it is sent. */
struct netlink_batch {
	char *bytes;
	size_t size;
	size_t used;
	struct nlmsghdr *message;   /* the one that attributes go to */
	uint32_t first;             /* sequence number of message 0 */
	uint32_t count;
	uint32_t last;              /* index of the message whose answer is the last one */
	bool full;
};

/* What the kernel answered to message `index` (`number` is positive, or 0); `text` is its own explanation, or empty. */
struct netlink_answer {
	uint32_t index;
	int number;
	char text[120];
};

/* Returns true when no further answer is to be waited for. */
typedef bool (*netlink_answer_function)(const struct netlink_answer *answer, void *context);

/* Takes a message of the kernel's that is no answer but what was asked for. */
typedef void (*netlink_data_function)(const struct nlmsghdr *message, void *context);

void netlink_batch_init(struct netlink_batch *batch, void *bytes, size_t size);

/* Begin a message; the result is its zeroed protocol header of `header_size` bytes, or NULL when the batch is full. */
void *netlink_message(struct netlink_batch *batch, uint16_t type, uint16_t flags, size_t header_size);

void netlink_put(struct netlink_batch *batch, uint16_t attribute, const void *data, size_t length);
void netlink_put_u8(struct netlink_batch *batch, uint16_t attribute, uint8_t value);
void netlink_put_u32(struct netlink_batch *batch, uint16_t attribute, uint32_t value);
void netlink_put_string(struct netlink_batch *batch, uint16_t attribute, const char *text);

/* Attributes inside an attribute; what netlink_nest returned goes to netlink_nest_end (NULL when the batch is full). */
struct nlattr *netlink_nest(struct netlink_batch *batch, uint16_t attribute);
void netlink_nest_end(struct netlink_batch *batch, struct nlattr *nest);

/* Room inside an attribute for a protocol header, as VETH_INFO_PEER wants it; NULL when the batch is full. */
void *netlink_reserve(struct netlink_batch *batch, size_t length);

/* The message begun last asks for the acknowledgement that ends the exchange. */
void netlink_acknowledge(struct netlink_batch *batch);

/* A socket of `protocol` with extended acknowledgements and room for `capacity` bytes each way. Returns it or -1. */
int netlink_open(int protocol, size_t capacity, struct error *err);

/*
 * Send the batch, and hand every answer to `function` until that of the acknowledged message (by default the last). Returns 0, or -errno when the exchange itself failed
 * (what the kernel says about a message is the function's matter).
 */
int netlink_exchange(int fd, struct netlink_batch *batch, netlink_answer_function function, void *context);

/* The same for questions: `function` gets what the kernel tells. What it does not have, which is an answer with an error, is left out. */
int netlink_query(int fd, struct netlink_batch *batch, netlink_data_function function, void *context);

/*
 * For a batch of one message that asks for a list (NLM_F_DUMP): `function` gets its entries. Returns 0 at the end of the list, or -errno. The list may
 * have changed meanwhile.
 */
int netlink_dump(int fd, const struct netlink_batch *batch, netlink_data_function function, void *context);

/* Whether `left` bytes begin with a whole message. mnl_nlmsg_ok() alone takes a length of 2 GiB and more for a negative number, which is never too much. */
static inline bool netlink_is_whole(const struct nlmsghdr *message, int left)
{
	return mnl_nlmsg_ok(message, left) && message->nlmsg_len <= (uint32_t)left;
}

/* An attribute behind the message's own header, of that size; NULL: there is none. */
const struct nlattr *netlink_find(const struct nlmsghdr *message, size_t header_size, uint16_t type);

/* As netlink_exchange(); returns 0 or the first failing message's -errno, described in *ret_answer. */
int netlink_apply(int fd, struct netlink_batch *batch, struct netlink_answer *ret_answer);

#endif
