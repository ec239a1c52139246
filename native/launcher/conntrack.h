/*
 * Connections that the kernel tracks (ctnetlink). Whoever gets an address or a port that was another's must not get what the other's peers still
 * send: as long as the kernel knows the connection, it lets it through, and leads it where it has always led. So these entries are removed.
 *
 * The kernel compares when it is asked for one address or one port (CTA_FILTER, since Linux 5.8), else it tells them all. What it tells is compared
 * again, and removed one by one, by its own id: deleting by filter needs Linux 6.8, and an older kernel might delete more.
 */
#ifndef LAUNCHER_CONNTRACK_H
#define LAUNCHER_CONNTRACK_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"

enum { CONNTRACK_MAX_RANGES = 32768, CONNTRACK_MAX_PORTS = 8192 };

/* Host order, both included. */
struct address_range {
	uint32_t first, last;
};

/* Host order. */
struct forwarded_port {
	uint8_t protocol;
	uint16_t port;
	uint32_t address;   /* the container it led to; 0: it led to none, and nobody answered */
};

/* What is to be forgotten. */
struct conntrack_order {
	struct address_range *ranges;   /* sorted; connections that begin there, and those that are answered from there */
	size_t range_count;
	struct forwarded_port *ports;   /* sorted by port; connections to it */
	size_t port_count;
};

/* Of an entry, host order. */
struct tracked_connection {
	uint8_t protocol;
	uint16_t port;       /* that the first packet went to; 0: the protocol has none */
	uint32_t source;     /* that the first packet came from */
	uint32_t answering;  /* that answers come from: where it was led to */
	uint32_t status;     /* IPS_* */
};

/* FORGET_CONNECTIONS, read and sorted; pure. Freed with conntrack_order_free() in any case. Errors: EINVAL, E2BIG, EBADMSG. */
int conntrack_order_read(const void *body, size_t size, struct conntrack_order *ret_order, struct error *err);
void conntrack_order_free(struct conntrack_order *order);

/* Pure. False: it is no entry of IPv4. */
bool conntrack_read(const struct nlmsghdr *message, struct tracked_connection *ret_connection);
bool conntrack_matches(const struct conntrack_order *order, const struct tracked_connection *connection);

/* Removes them. One that goes by itself meanwhile is no error. `nfnetlink` is of the network namespace that is meant. */
int conntrack_forget(int nfnetlink, const struct conntrack_order *order, struct error *err);

#endif
