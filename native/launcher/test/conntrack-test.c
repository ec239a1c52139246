/* Which connections are forgotten: orders as wardend sends them, and entries as the kernel tells them. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <string.h>

#include "launcher/conntrack.h"
#include "launcher/netlink.h"
#include "launcher/port-requests.h"
#include "lib/codec.h"
#include "test/tap.h"

enum { CONTAINER = 0x0afe0002, OTHER = 0x0afe0006, PEER = 0xc6336403, HOST = 0xc6336401 };

static _Alignas(8) char bytes[1024];

static void put_tuple(struct netlink_batch *batch, uint16_t attribute, uint32_t from, uint32_t to, uint8_t protocol, uint16_t port)
{
	struct nlattr *tuple = netlink_nest(batch, attribute), *addresses = netlink_nest(batch, CTA_TUPLE_IP);

	from = htonl(from);
	to = htonl(to);
	port = htons(port);
	netlink_put(batch, CTA_IP_V4_SRC, &from, sizeof(from));
	netlink_put(batch, CTA_IP_V4_DST, &to, sizeof(to));
	netlink_nest_end(batch, addresses);
	struct nlattr *ports = netlink_nest(batch, CTA_TUPLE_PROTO);

	netlink_put_u8(batch, CTA_PROTO_NUM, protocol);
	netlink_put(batch, CTA_PROTO_DST_PORT, &port, sizeof(port));
	netlink_nest_end(batch, ports);
	netlink_nest_end(batch, tuple);
}

/* An entry: who began, where it went, who answers. */
static struct tracked_connection entry(uint32_t from, uint32_t to, uint8_t protocol, uint16_t port, uint32_t answering, uint32_t status)
{
	struct netlink_batch batch;
	struct tracked_connection connection;
	uint32_t network_status = htonl(status);

	netlink_batch_init(&batch, bytes, sizeof(bytes));
	netlink_message(&batch, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW, 0, sizeof(struct nfgenmsg));
	put_tuple(&batch, CTA_TUPLE_ORIG, from, to, protocol, port);
	put_tuple(&batch, CTA_TUPLE_REPLY, answering, from, protocol, 40000);
	netlink_put(&batch, CTA_STATUS, &network_status, sizeof(network_status));
	CHECK(conntrack_read((const struct nlmsghdr *)bytes, &connection), "an entry is read");
	return connection;
}

static void put_address(struct wire_buffer *buffer, uint16_t tag, const uint32_t *addresses, size_t count)
{
	uint32_t network[2] = { htonl(addresses[0]), htonl(addresses[count - 1]) };

	wire_put_bytes(buffer, tag, network, count * sizeof(*network));
}

static void put_port(struct wire_buffer *buffer, uint32_t protocol, uint32_t port, uint32_t address)
{
	size_t nest = wire_open(buffer, TAG_FORWARDED_PORT);

	wire_put_u32(buffer, TAG_PROTOCOL, protocol);
	wire_put_u32(buffer, TAG_PORT, port);
	if (address != 0)
		put_address(buffer, TAG_ADDRESS, &address, 1);
	wire_close(buffer, nest);
}

static int read_order(struct wire_buffer *buffer, struct conntrack_order *ret_order, struct error *err)
{
	CHECK(wire_end(buffer, err) == 0, "the message is complete");
	return conntrack_order_read(buffer->data + WIRE_HEADER_SIZE, buffer->size - WIRE_HEADER_SIZE, ret_order, err);
}

static void test_matching(void)
{
	struct wire_buffer buffer = { 0 };
	struct conntrack_order order;
	struct error err = { 0 };

	wire_begin(&buffer, WIRE_FORGET_CONNECTIONS);
	put_address(&buffer, TAG_ADDRESS_RANGE, (uint32_t[]){ CONTAINER, CONTAINER }, 2);
	put_address(&buffer, TAG_ADDRESS_RANGE, (uint32_t[]){ 0x0afe0100, 0x0afe01ff }, 2);
	put_address(&buffer, TAG_ADDRESS_RANGE, (uint32_t[]){ 0x0afe0180, 0x0afe02ff }, 2);
	put_port(&buffer, IPPROTO_UDP, 5300, OTHER);
	put_port(&buffer, IPPROTO_UDP, 80, 0);
	CHECK(read_order(&buffer, &order, &err) == 0, "an order is read");
	CHECK(order.range_count == 2 && order.ranges[0].first == CONTAINER && order.ranges[1].last == 0x0afe02ff, "ranges are sorted, and those that overlap are one");

	struct tracked_connection connection = entry(CONTAINER, PEER, IPPROTO_TCP, 80, PEER, IPS_SEEN_REPLY | IPS_SRC_NAT);
	CHECK(conntrack_matches(&order, &connection), "what a container began");
	connection = entry(PEER, HOST, IPPROTO_TCP, 61001, CONTAINER, IPS_DST_NAT);
	CHECK(conntrack_matches(&order, &connection), "what was led to it");
	connection = entry(HOST, CONTAINER, IPPROTO_ICMP, 0, CONTAINER, 0);
	CHECK(conntrack_matches(&order, &connection), "what went to it");
	connection = entry(0x0afe02ff, PEER, IPPROTO_TCP, 80, PEER, 0);
	CHECK(conntrack_matches(&order, &connection), "the end of a range");
	connection = entry(0x0afe0300, PEER, IPPROTO_TCP, 80, PEER, 0);
	CHECK(!conntrack_matches(&order, &connection), "behind it");
	connection = entry(0x0afe00ff, CONTAINER + 1, IPPROTO_TCP, 80, CONTAINER - 1, 0);
	CHECK(!conntrack_matches(&order, &connection), "neighbours of an address, and before a range");
	connection = entry(PEER, HOST, IPPROTO_UDP, 5300, OTHER, IPS_DST_NAT | IPS_SEEN_REPLY);
	CHECK(conntrack_matches(&order, &connection), "what came by a port");
	connection = entry(PEER, HOST, IPPROTO_TCP, 5300, OTHER, IPS_DST_NAT);
	CHECK(!conntrack_matches(&order, &connection), "by that port of the other protocol");
	connection = entry(PEER, OTHER, IPPROTO_UDP, 5300, OTHER, 0);
	CHECK(!conntrack_matches(&order, &connection), "to that port without being led");
	connection = entry(PEER, HOST, IPPROTO_UDP, 5300, OTHER + 4, IPS_DST_NAT);
	CHECK(!conntrack_matches(&order, &connection), "led to another container");
	connection = entry(PEER, HOST, IPPROTO_UDP, 80, HOST, 0);
	CHECK(conntrack_matches(&order, &connection), "what nobody answered");
	connection = entry(PEER, HOST, IPPROTO_UDP, 80, HOST, IPS_SEEN_REPLY);
	CHECK(!conntrack_matches(&order, &connection), "what somebody did");
	connection = entry(PEER, HOST, IPPROTO_UDP, 80, OTHER, IPS_DST_NAT);
	CHECK(!conntrack_matches(&order, &connection), "what was led somewhere");
	conntrack_order_free(&order);
	wire_buffer_free(&buffer);
}

static void check_refused(void (*put)(struct wire_buffer *buffer), int number, const char *what)
{
	struct wire_buffer buffer = { 0 };
	struct conntrack_order order;
	struct error err = { 0 };

	wire_begin(&buffer, WIRE_FORGET_CONNECTIONS);
	put(&buffer);
	CHECK(read_order(&buffer, &order, &err) < 0 && err.number == number, what);
	conntrack_order_free(&order);
	wire_buffer_free(&buffer);
}

static void put_backwards(struct wire_buffer *buffer) { put_address(buffer, TAG_ADDRESS_RANGE, (uint32_t[]){ OTHER, CONTAINER }, 2); }
static void put_everything(struct wire_buffer *buffer) { put_address(buffer, TAG_ADDRESS_RANGE, (uint32_t[]){ 0, UINT32_MAX }, 2); }
static void put_half(struct wire_buffer *buffer) { put_address(buffer, TAG_ADDRESS_RANGE, (uint32_t[]){ OTHER }, 1); }
static void put_no_port(struct wire_buffer *buffer) { put_port(buffer, IPPROTO_TCP, 0, OTHER); }
static void put_large_port(struct wire_buffer *buffer) { put_port(buffer, IPPROTO_TCP, 65536, OTHER); }
static void put_sctp(struct wire_buffer *buffer) { put_port(buffer, IPPROTO_SCTP, 80, OTHER); }

static void put_many(struct wire_buffer *buffer)
{
	for (int i = 0; i <= CONNTRACK_MAX_PORTS; i++)
		put_port(buffer, IPPROTO_TCP, 80, OTHER);
}

static void test_refusals(void)
{
	check_refused(put_backwards, EINVAL, "a range that runs backwards");
	check_refused(put_everything, EINVAL, "a range that begins at 0");
	check_refused(put_half, EBADMSG, "a range of one end");
	check_refused(put_no_port, EINVAL, "port 0");
	check_refused(put_large_port, EINVAL, "port 65536");
	check_refused(put_sctp, EINVAL, "another protocol");
	check_refused(put_many, E2BIG, "more ports than are possible");
}

static void test_entries(void)
{
	struct netlink_batch batch;
	struct tracked_connection connection;

	netlink_batch_init(&batch, bytes, sizeof(bytes));
	netlink_message(&batch, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW, 0, sizeof(struct nfgenmsg));
	CHECK(!conntrack_read((const struct nlmsghdr *)bytes, &connection), "an entry without addresses is none");
}

int main(void)
{
	test_matching();
	test_refusals();
	test_entries();
	return tap_end();
}
