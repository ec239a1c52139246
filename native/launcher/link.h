/*
 * A container's network link: a veth pair, its addresses and the default route, over rtnetlink.
 *
 * The pair is made by one message that puts the far end straight into the container's network namespace; then one batch
 * configures each end. No IPv6 address is generated on either end: the kernel refuses IFLA_AF_SPEC while a link is being made
 * (EAFNOSUPPORT), so the pair is made down, told so, and brought up. The link disappears with the namespace, and is
 * never deleted here: deleting a veth waits for RCU, 30 ms in which nothing else would be served.
 */
#ifndef LAUNCHER_LINK_H
#define LAUNCHER_LINK_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"
#include "launcher/netlink.h"

struct link_description {
	char host_name[IFNAMSIZ];
	char container_name[IFNAMSIZ];
	uint8_t host_mac[6];
	uint8_t container_mac[6];
	struct in_addr host_address;
	struct in_addr container_address;
	uint8_t prefix;
	uint32_t mtu;
};

/* The messages, without a socket. */
void link_put_pair(struct netlink_batch *batch, const struct link_description *link, int network_namespace);
void link_put_host_end(struct netlink_batch *batch, const struct link_description *link, int index);
void link_put_container_end(struct netlink_batch *batch, const struct link_description *link, int index);
void link_put_loopback(struct netlink_batch *batch);
void link_put_no_ipv6_address(struct netlink_batch *batch, int index);
void link_put_up(struct netlink_batch *batch, int index);

/* The pair; EEXIST (and nothing done) when an interface of that name exists on the host. */
int link_create(int rtnetlink, const struct link_description *link, int network_namespace, struct error *err);

/* Address of the host's end, and up. */
int link_configure_host(int rtnetlink, const struct link_description *link, int *ret_index, struct error *err);

/* In the container's namespace: loopback, address, up, default route. link may be NULL: loopback only. */
int link_configure_container(int own_namespace, int network_namespace, const struct link_description *link, struct error *err);

/* The interface of that name in the socket's namespace; 0: there is none, or errno says more. */
int link_find_index(int rtnetlink, const char *name);

/* Whether the host has an interface of that name. */
bool link_exists(int rtnetlink, const char *name);

/* By its number; `name` is for errors. The kernel waits for RCU meanwhile: some 20 ms. One that is not there is no error. */
int link_remove(int rtnetlink, const char *name, int index, struct error *err);

/* A non-blocking socket that tells when links disappear from the host. Returns it or -1. */
int link_subscribe(struct error *err);

/* Reads everything that is there. True when some link was deleted, or notifications were lost. */
bool link_was_deleted(int subscription);

#endif
