/* A veth pair made in one message with its peer already in the container's namespace; addresses, up, default route. No IPv6. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "floor/floor.h"
#include "floor/netlink.h"
#include "lib/fd.h"

enum { INSIDE_INDEX = 2, LOOPBACK = 1, PREFIX = 30 };

static void host_name(const struct container *container, char ret_name[IFNAMSIZ])
{
	snprintf(ret_name, IFNAMSIZ, "wf-%u", container->index);
}

/* A /30 of 10.199.0.0/16: .1 host end, .2 container end. */
static uint32_t address(unsigned int index, unsigned int end)
{
	return htonl((10u << 24 | 199u << 16) + (index % 16384) * 4 + end);
}

/* As many queues as there may ever be processors would be made and taken back. */
static void put_single_queue(struct batch *batch)
{
	uint32_t one = 1;

	batch_put(batch, IFLA_NUM_TX_QUEUES, &one, sizeof(one));
	batch_put(batch, IFLA_NUM_RX_QUEUES, &one, sizeof(one));
}

int network_create_link(const struct floor *floor, const struct container *container, int network_namespace, struct error *err)
{
	struct batch batch = { 0 };
	struct ifinfomsg header = { 0 }, peer_header = { .ifi_index = INSIDE_INDEX };
	char name[IFNAMSIZ];

	host_name(container, name);
	batch_message(&batch, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, &header, sizeof(header));
	batch_put(&batch, IFLA_IFNAME, name, strlen(name) + 1);
	put_single_queue(&batch);
	struct nlattr *info = batch_nest(&batch, IFLA_LINKINFO);

	batch_put(&batch, IFLA_INFO_KIND, "veth", 5);
	struct nlattr *data = batch_nest(&batch, IFLA_INFO_DATA);
	struct nlattr *peer = batch_nest(&batch, VETH_INFO_PEER);

	batch_reserve(&batch, &peer_header, sizeof(peer_header));
	batch_put(&batch, IFLA_IFNAME, "wf-inside", 10);
	put_single_queue(&batch);
	batch_put(&batch, IFLA_NET_NS_FD, &network_namespace, sizeof(network_namespace));
	batch_end(&batch, peer);
	batch_end(&batch, data);
	batch_end(&batch, info);
	return batch_send(floor->route_fd, &batch, name, err);
}

static void put_up(struct batch *batch, int index, bool without_ipv6)
{
	struct ifinfomsg header = { .ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	uint8_t none = IN6_ADDR_GEN_MODE_NONE;

	batch_message(batch, RTM_SETLINK, 0, &header, sizeof(header));
	if (!without_ipv6)
		return;
	struct nlattr *families = batch_nest(batch, IFLA_AF_SPEC);
	struct nlattr *ipv6 = batch_nest(batch, AF_INET6);

	batch_put(batch, IFLA_INET6_ADDR_GEN_MODE, &none, sizeof(none));
	batch_end(batch, ipv6);
	batch_end(batch, families);
}

static void put_address(struct batch *batch, int index, uint32_t value)
{
	struct ifaddrmsg header = { .ifa_family = AF_INET, .ifa_prefixlen = PREFIX, .ifa_index = (uint32_t)index };

	batch_message(batch, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header));
	batch_put(batch, IFA_LOCAL, &value, sizeof(value));
	batch_put(batch, IFA_ADDRESS, &value, sizeof(value));
}

static int configure_host(const struct floor *floor, const struct container *container, struct error *err)
{
	struct batch batch = { 0 };
	struct ifreq request = { 0 };

	host_name(container, request.ifr_name);
	if (ioctl(floor->route_fd, SIOCGIFINDEX, &request) < 0)
		return error_set(err, errno, "%s", request.ifr_name);
	put_address(&batch, request.ifr_ifindex, address(container->index, 1));
	put_up(&batch, request.ifr_ifindex, access("/proc/sys/net/ipv6", F_OK) == 0);
	batch_acknowledge(&batch);
	return batch_send(floor->route_fd, &batch, request.ifr_name, err);
}

static int configure_inside(const struct floor *floor, const struct container *container, int network_namespace, struct error *err)
{
	struct batch batch = { 0 };
	struct rtmsg route = {
		.rtm_family = AF_INET, .rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_BOOT, .rtm_scope = RT_SCOPE_UNIVERSE, .rtm_type = RTN_UNICAST,
	};
	uint32_t gateway = address(container->index, 1);
	int index = INSIDE_INDEX;

	/* A netlink socket belongs to the namespace it is made in. */
	if (setns(network_namespace, CLONE_NEWNET) < 0)
		return error_set(err, errno, "enter the network namespace");
	_cleanup_close_ int fd = netlink_open(NETLINK_ROUTE, err);

	if (setns(floor->own_network, CLONE_NEWNET) < 0)
		return error_set(err, errno, "leave the network namespace");
	if (fd < 0)
		return -1;
	put_up(&batch, LOOPBACK, false);
	put_address(&batch, INSIDE_INDEX, address(container->index, 2));
	put_up(&batch, INSIDE_INDEX, access("/proc/sys/net/ipv6", F_OK) == 0);
	batch_message(&batch, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &route, sizeof(route));
	batch_put(&batch, RTA_GATEWAY, &gateway, sizeof(gateway));
	batch_put(&batch, RTA_OIF, &index, sizeof(index));
	batch_acknowledge(&batch);
	return batch_send(fd, &batch, "container end", err);
}

int network_configure(const struct floor *floor, const struct container *container, int network_namespace, struct error *err)
{
	if (configure_host(floor, container, err) < 0)
		return -1;
	return configure_inside(floor, container, network_namespace, err);
}
