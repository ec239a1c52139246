/* Requests about ports of the host, and about connections to them and to containers. */
#ifndef LAUNCHER_PORT_REQUESTS_H
#define LAUNCHER_PORT_REQUESTS_H

#include "lib/codec.h"
#include "launcher/launcher.h"

enum { FORGET_MAX_UNDER_WAY = 8 };

struct port_order {
	uint32_t protocol, port;
};

/* Pure. Errors: EINVAL, EBADMSG. */
int port_order_read(const void *body, size_t size, struct port_order *ret_order, struct error *err);
/* PROTOCOL and PORT of a larger order, for wire_read_all(); `context` is a struct port_order. It is to be checked when all are read. */
int port_order_attribute(void *context, const struct wire_attribute *attribute, struct error *err);
int port_order_check(const struct port_order *order, struct error *err);

/* LISTENING {PROTOCOL, PORT}: answered with LISTENING, at once. */
void listening_serve(struct launcher *launcher, uint32_t request, const void *body, size_t size);

/* FORGET_CONNECTIONS {ADDRESS_RANGE*, FORWARDED_PORT*}: answered when the kernel has none of them any more. A process of its own goes through its table. */
void forget_connections_begin(struct launcher *launcher, uint32_t request, const void *body, size_t size);

#endif
