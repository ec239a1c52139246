#include "launcher/link.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "lib/fd.h"
#include "lib/fault.h"
#include "launcher/steps.h"
#include "launcher/sysctl.h"

enum { LINK_BATCH_SIZE = 2048, LINK_SOCKET_CAPACITY = 65536, LOOPBACK_INDEX = 1 };

/*
 * Without a number the kernel makes as many queues as the machine can ever have processors, registers each in sysfs, and takes all but one back: under RTNL, and with
 * memory that stays (veth_get_num_queues(), veth_init_queues()). Packets go through one queue either way.
 */
static void put_end(struct netlink_batch *batch, const char *name, const uint8_t mac[6], uint32_t mtu)
{
	netlink_put_string(batch, IFLA_IFNAME, name);
	netlink_put(batch, IFLA_ADDRESS, mac, 6);
	netlink_put_u32(batch, IFLA_MTU, mtu);
	netlink_put_u32(batch, IFLA_NUM_TX_QUEUES, 1);
	netlink_put_u32(batch, IFLA_NUM_RX_QUEUES, 1);
}

void link_put_pair(struct netlink_batch *batch, const struct link_description *link, int network_namespace)
{
	if (netlink_message(batch, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg)) == NULL)
		return;
	put_end(batch, link->host_name, link->host_mac, link->mtu);

	struct nlattr *info = netlink_nest(batch, IFLA_LINKINFO);

	netlink_put_string(batch, IFLA_INFO_KIND, "veth");
	struct nlattr *data = netlink_nest(batch, IFLA_INFO_DATA);
	struct nlattr *peer = netlink_nest(batch, VETH_INFO_PEER);

	netlink_reserve(batch, sizeof(struct ifinfomsg));
	put_end(batch, link->container_name, link->container_mac, link->mtu);
	netlink_put_u32(batch, IFLA_NET_NS_FD, (uint32_t)network_namespace);
	netlink_nest_end(batch, peer);
	netlink_nest_end(batch, data);
	netlink_nest_end(batch, info);
}

void link_put_up(struct netlink_batch *batch, int index)
{
	struct ifinfomsg *header = netlink_message(batch, RTM_SETLINK, 0, sizeof(*header));

	if (header == NULL)
		return;
	header->ifi_index = index;
	header->ifi_flags = header->ifi_change = IFF_UP;
}

/* IPv6 may be compiled out or disabled at boot: then there is nothing to switch off, and the kernel would say so. */
static bool ipv6_exists(void)
{
	static int known = -1;

	if (known < 0)
		known = access("/proc/sys/net/ipv6", F_OK) == 0;
	return known != 0;
}

void link_put_no_ipv6_address(struct netlink_batch *batch, int index)
{
	if (!ipv6_exists())
		return;
	struct ifinfomsg *header = netlink_message(batch, RTM_SETLINK, 0, sizeof(*header));

	if (header == NULL)
		return;
	header->ifi_index = index;
	struct nlattr *families = netlink_nest(batch, IFLA_AF_SPEC);
	struct nlattr *ipv6 = netlink_nest(batch, AF_INET6);

	netlink_put_u8(batch, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	netlink_nest_end(batch, ipv6);
	netlink_nest_end(batch, families);
}

static void put_address(struct netlink_batch *batch, int index, struct in_addr address, uint8_t prefix)
{
	struct ifaddrmsg *header = netlink_message(batch, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof(*header));

	if (header == NULL)
		return;
	header->ifa_family = AF_INET;
	header->ifa_prefixlen = prefix;
	header->ifa_scope = RT_SCOPE_UNIVERSE;
	header->ifa_index = (uint32_t)index;
	netlink_put(batch, IFA_LOCAL, &address, sizeof(address));
	netlink_put(batch, IFA_ADDRESS, &address, sizeof(address));
}

static void put_default_route(struct netlink_batch *batch, struct in_addr gateway, int index)
{
	struct rtmsg *header = netlink_message(batch, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, sizeof(*header));

	if (header == NULL)
		return;
	header->rtm_family = AF_INET;
	header->rtm_table = RT_TABLE_MAIN;
	header->rtm_protocol = RTPROT_BOOT;
	header->rtm_scope = RT_SCOPE_UNIVERSE;
	header->rtm_type = RTN_UNICAST;
	netlink_put(batch, RTA_GATEWAY, &gateway, sizeof(gateway));
	netlink_put_u32(batch, RTA_OIF, (uint32_t)index);
}

void link_put_host_end(struct netlink_batch *batch, const struct link_description *link, int index)
{
	link_put_no_ipv6_address(batch, index);
	put_address(batch, index, link->host_address, link->prefix);
	link_put_up(batch, index);
}

void link_put_loopback(struct netlink_batch *batch)
{
	link_put_up(batch, LOOPBACK_INDEX);
}

void link_put_container_end(struct netlink_batch *batch, const struct link_description *link, int index)
{
	link_put_no_ipv6_address(batch, index);
	put_address(batch, index, link->container_address, link->prefix);
	link_put_up(batch, index);
	put_default_route(batch, link->host_address, index);
}

static int apply(int rtnetlink, struct netlink_batch *batch, const char *object, struct error *err)
{
	struct netlink_answer answer;
	int result = netlink_apply(rtnetlink, batch, &answer);

	if (result == 0)
		return 0;
	return error_set(err, -result, "%s%s%s", object, answer.text[0] != '\0' ? ": " : "", answer.text);
}

int link_create(int rtnetlink, const struct link_description *link, int network_namespace, struct error *err)
{
	_Alignas(struct nlmsghdr) char bytes[LINK_BATCH_SIZE];
	struct netlink_batch batch;

	if (step_begin(STEP_CREATE_LINK, err) < 0)
		return -1;
	netlink_batch_init(&batch, bytes, sizeof(bytes));
	link_put_pair(&batch, link, network_namespace);
	return apply(rtnetlink, &batch, link->host_name, err);
}

/* Any socket of the namespace takes this call, netlink's too. 0: none of that name, or errno says more. */
int link_find_index(int rtnetlink, const char *name)
{
	struct ifreq request = { 0 };

	memcpy(request.ifr_name, name, strnlen(name, sizeof(request.ifr_name) - 1));
	return ioctl(rtnetlink, SIOCGIFINDEX, &request) < 0 ? 0 : request.ifr_ifindex;
}

bool link_exists(int rtnetlink, const char *name)
{
	return link_find_index(rtnetlink, name) != 0;
}

int link_remove(int rtnetlink, const char *name, int index, struct error *err)
{
	_Alignas(struct nlmsghdr) char bytes[LINK_BATCH_SIZE];
	struct netlink_batch batch;

	netlink_batch_init(&batch, bytes, sizeof(bytes));
	struct ifinfomsg *header = netlink_message(&batch, RTM_DELLINK, 0, sizeof(*header));

	if (header != NULL)
		header->ifi_index = index;
	return apply(rtnetlink, &batch, name, err) == 0 || err->number == ENODEV ? 0 : -1;
}

/*
 * Of an interface of the network namespace that the launcher is in, or of `all`. Before it is up: so it never has an address of IPv6, and the kernel takes no such packet
 * from it, whoever flushes the firewall. The call takes the lock under which links are made: in the container's first process, at the same time, it would cost
 * a create 0.7 ms. A kernel without IPv6 has nothing to disable; without the interface, the next step says so.
 */
static int disable_ipv6(const char *interface, struct error *err)
{
	char name[64];

	snprintf(name, sizeof(name), "net/ipv6/conf/%s/disable_ipv6", interface);
	return sysctl_write(name, "1", err) == 0 || err->number == ENOENT ? 0 : -1;
}

int link_configure_host(int rtnetlink, const struct link_description *link, int *ret_index, struct error *err)
{
	_Alignas(struct nlmsghdr) char bytes[LINK_BATCH_SIZE];
	struct netlink_batch batch;

	if (step_begin(STEP_DISABLE_IPV6, err) < 0 || disable_ipv6(link->host_name, err) < 0)
		return -1;
	if (step_begin(STEP_CONFIGURE_HOST_END, err) < 0)
		return -1;
	int index = link_find_index(rtnetlink, link->host_name);

	if (index == 0)
		return error_set(err, errno, "%s", link->host_name);
	*ret_index = index;
	netlink_batch_init(&batch, bytes, sizeof(bytes));
	link_put_host_end(&batch, link, index);
	return apply(rtnetlink, &batch, link->host_name, err);
}

/* A netlink socket belongs to the namespace it was made in, so the visit there is short. */
static int open_inside(int own_namespace, int network_namespace, struct error *err)
{
	if (setns(network_namespace, CLONE_NEWNET) < 0)
		return error_set(err, errno, "setns");
	_cleanup_close_ int fd = netlink_open(NETLINK_ROUTE, LINK_SOCKET_CAPACITY, err);
	bool is_prepared = fd >= 0 && disable_ipv6("all", err) == 0;

	/* A launcher that cannot return would configure a container's network for the host's: it must not go on. */
	if (setns(own_namespace, CLONE_NEWNET) < 0)
		abort();
	return is_prepared ? steal_fd(&fd) : -1;
}

int link_configure_container(int own_namespace, int network_namespace, const struct link_description *link, struct error *err)
{
	_Alignas(struct nlmsghdr) char bytes[LINK_BATCH_SIZE];
	struct netlink_batch batch;

	if (step_begin(STEP_CONFIGURE_CONTAINER_END, err) < 0)
		return -1;
	_cleanup_close_ int rtnetlink = open_inside(own_namespace, network_namespace, err);

	if (rtnetlink < 0)
		return -1;
	netlink_batch_init(&batch, bytes, sizeof(bytes));
	link_put_loopback(&batch);
	if (link != NULL) {
		int index = link_find_index(rtnetlink, link->container_name);

		if (index == 0)
			return error_set(err, errno, "%s", link->container_name);
		link_put_container_end(&batch, link, index);
	}
	return apply(rtnetlink, &batch, link != NULL ? link->container_name : "lo", err);
}

int link_subscribe(struct error *err)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };

	if (fd < 0)
		return error_set(err, errno, "socket");
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		error_set(err, errno, "bind");
		return close_fd(fd);
	}
	return fd;
}

bool link_was_deleted(int subscription)
{
	_Alignas(struct nlmsghdr) char buffer[16384];
	bool deleted = false;

	for (;;) {
		ssize_t got = recv(subscription, buffer, sizeof(buffer), MSG_DONTWAIT);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return deleted || errno == ENOBUFS;
		const struct nlmsghdr *header = (const struct nlmsghdr *)buffer;
		int left = (int)got;

		for (; netlink_is_whole(header, left); header = mnl_nlmsg_next(header, &left))
			deleted |= header->nlmsg_type == RTM_DELLINK;
	}
}
