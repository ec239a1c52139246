/*
 * What a container's link has carried, as the kernel counts it at the host end: frames with their Ethernet headers, those
 * that the firewall refused afterwards among them.
 */
#ifndef LAUNCHER_LINK_STATISTICS_H
#define LAUNCHER_LINK_STATISTICS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"
#include "launcher/netlink.h"

/* Inbound is to the container: what the host end has sent. */
struct link_statistics {
	uint64_t in_bytes;
	uint64_t in_packets;
	uint64_t out_bytes;
	uint64_t out_packets;
};

/* The question, without a socket. */
void link_statistics_put_question(struct netlink_batch *batch, int index);

/* False, and nothing read, when the message is not the answer about that interface. */
bool link_statistics_read_message(const struct nlmsghdr *message, int index, struct link_statistics *ret_statistics);

/* ENODEV: there is no such link. */
int link_statistics_get(int rtnetlink, const char *host_name, struct link_statistics *ret_statistics, struct error *err);

#endif
