/* Netlink messages in a buffer on the stack, sent as one datagram; the last one asks for the answer. */
#ifndef FLOOR_NETLINK_H
#define FLOOR_NETLINK_H

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"

struct batch {
	_Alignas(8) char bytes[4096];
	size_t used;
	struct nlmsghdr *message;
};

int netlink_open(int protocol, struct error *err);
/* Begin a message with `header` in front of its attributes. The buffer is large enough for all that the floor sends. */
void batch_message(struct batch *batch, uint16_t type, uint16_t flags, const void *header, size_t size);
void batch_put(struct batch *batch, uint16_t attribute, const void *data, size_t size);
struct nlattr *batch_nest(struct batch *batch, uint16_t attribute);
void batch_reserve(struct batch *batch, const void *data, size_t size);
void batch_end(struct batch *batch, struct nlattr *nest);
/* The message begun last is the one that is answered. */
void batch_acknowledge(struct batch *batch);
/* Sends all messages; waits for the acknowledgement, or takes the first error. */
int batch_send(int fd, struct batch *batch, const char *object, struct error *err);

#endif
