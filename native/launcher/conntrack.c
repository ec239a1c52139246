#include "launcher/conntrack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/fd.h"
#include "launcher/netlink.h"

enum {
	/* A deletion is a tuple, an id and a zone. A round removes two thousand entries or more, so that memory is bounded whatever the table holds. */
	ROUND_SIZE = 256 << 10, DELETION_SIZE = 256, QUESTION_SIZE = 256,
	MAX_ROUNDS = 4096,
};

/* CTA_FILTER_*_FLAGS: net/netfilter/nf_internals.h, which no header of user space has. */
enum { FILTER_SOURCE = 1 << 0, FILTER_PROTOCOL = 1 << 3, FILTER_PORT = 1 << 5 };

static const struct nlattr *find(const struct nlattr *outer, uint16_t type)
{
	const struct nlattr *attribute;

	if (outer != NULL)
		mnl_attr_for_each_nested(attribute, outer)
			if (mnl_attr_get_type(attribute) == type)
				return attribute;
	return NULL;
}

static const struct nlattr *find_in_message(const struct nlmsghdr *message, uint16_t type)
{
	return netlink_find(message, sizeof(struct nfgenmsg), type);
}

/* Leaves what is there alone when the attribute is missing, or of another size. */
static void copy_number(const struct nlattr *attribute, void *ret_number, size_t size)
{
	if (attribute != NULL && mnl_attr_get_payload_len(attribute) == size)
		memcpy(ret_number, mnl_attr_get_payload(attribute), size);
}

static uint32_t read_u32(const struct nlattr *attribute)
{
	uint32_t number = 0;

	copy_number(attribute, &number, sizeof(number));
	return ntohl(number);
}

static uint16_t read_u16(const struct nlattr *attribute)
{
	uint16_t number = 0;

	copy_number(attribute, &number, sizeof(number));
	return ntohs(number);
}

static uint8_t read_u8(const struct nlattr *attribute)
{
	uint8_t number = 0;

	copy_number(attribute, &number, sizeof(number));
	return number;
}

bool conntrack_read(const struct nlmsghdr *message, struct tracked_connection *ret_connection)
{
	const struct nlattr *first = find_in_message(message, CTA_TUPLE_ORIG), *answer = find_in_message(message, CTA_TUPLE_REPLY);
	const struct nlattr *protocol = find(first, CTA_TUPLE_PROTO);

	*ret_connection = (struct tracked_connection){
		.protocol = read_u8(find(protocol, CTA_PROTO_NUM)),
		.port = read_u16(find(protocol, CTA_PROTO_DST_PORT)),
		.source = read_u32(find(find(first, CTA_TUPLE_IP), CTA_IP_V4_SRC)),
		.answering = read_u32(find(find(answer, CTA_TUPLE_IP), CTA_IP_V4_SRC)),
		.status = read_u32(find_in_message(message, CTA_STATUS)),
	};
	return ret_connection->source != 0 && ret_connection->answering != 0;
}

static bool in_ranges(const struct conntrack_order *order, uint32_t address)
{
	size_t low = 0, high = order->range_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (order->ranges[middle].last < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < order->range_count && order->ranges[low].first <= address;
}

static bool came_by(const struct forwarded_port *port, const struct tracked_connection *connection)
{
	if (port->protocol != connection->protocol)
		return false;
	if (port->address == 0)
		return (connection->status & (IPS_DST_NAT | IPS_SEEN_REPLY)) == 0;
	return (connection->status & IPS_DST_NAT) != 0 && port->address == connection->answering;
}

bool conntrack_matches(const struct conntrack_order *order, const struct tracked_connection *connection)
{
	if (in_ranges(order, connection->source) || in_ranges(order, connection->answering))
		return true;
	size_t low = 0, high = order->port_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (order->ports[middle].port < connection->port)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < order->port_count && order->ports[low].port == connection->port; low++)
		if (came_by(&order->ports[low], connection))
			return true;
	return false;
}

/* What the kernel compares for us; all 0: nothing. */
struct filter {
	uint32_t answering, source;   /* network order */
	uint16_t port;                /* network order */
	uint8_t protocol;
};

static void put_tuple(struct netlink_batch *batch, uint16_t attribute, uint32_t source, const struct filter *filter)
{
	struct nlattr *tuple = netlink_nest(batch, attribute);

	if (source != 0) {
		struct nlattr *addresses = netlink_nest(batch, CTA_TUPLE_IP);

		netlink_put(batch, CTA_IP_V4_SRC, &source, sizeof(source));
		netlink_nest_end(batch, addresses);
	} else {
		struct nlattr *protocol = netlink_nest(batch, CTA_TUPLE_PROTO);

		netlink_put_u8(batch, CTA_PROTO_NUM, filter->protocol);
		netlink_put(batch, CTA_PROTO_DST_PORT, &filter->port, sizeof(filter->port));
		netlink_nest_end(batch, protocol);
	}
	netlink_nest_end(batch, tuple);
}

static void put_filter(struct netlink_batch *batch, const struct filter *filter)
{
	uint32_t first = filter->source != 0 ? FILTER_SOURCE : filter->port != 0 ? FILTER_PROTOCOL | FILTER_PORT : 0;
	uint32_t answer = filter->answering != 0 ? FILTER_SOURCE : 0;

	if (first == 0 && answer == 0)
		return;
	if (first != 0)
		put_tuple(batch, CTA_TUPLE_ORIG, filter->source, filter);
	else
		put_tuple(batch, CTA_TUPLE_REPLY, filter->answering, filter);
	struct nlattr *nest = netlink_nest(batch, CTA_FILTER);

	netlink_put_u32(batch, CTA_FILTER_ORIG_FLAGS, first);
	netlink_put_u32(batch, CTA_FILTER_REPLY_FLAGS, answer);
	netlink_nest_end(batch, nest);
}

static void put_message(struct netlink_batch *batch, uint16_t type, uint16_t flags)
{
	struct nfgenmsg *header = netlink_message(batch, (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type), flags, sizeof(*header));

	if (header == NULL)
		return;
	header->nfgen_family = AF_INET;
	header->version = NFNETLINK_V0;
}

struct round {
	const struct conntrack_order *order;
	struct netlink_batch deletions;
	bool more;   /* than there was room for */
};

static void copy_attribute(struct netlink_batch *batch, const struct nlattr *attribute)
{
	if (attribute != NULL)
		netlink_put(batch, attribute->nla_type, mnl_attr_get_payload(attribute), mnl_attr_get_payload_len(attribute));
}

static void take_entry(const struct nlmsghdr *message, void *context)
{
	struct round *round = context;
	struct netlink_batch *deletions = &round->deletions;
	struct tracked_connection connection;

	if (!conntrack_read(message, &connection) || !conntrack_matches(round->order, &connection))
		return;
	round->more |= deletions->size - deletions->used < DELETION_SIZE;
	if (round->more)
		return;
	put_message(deletions, IPCTNL_MSG_CT_DELETE, 0);
	copy_attribute(deletions, find_in_message(message, CTA_TUPLE_ORIG));
	copy_attribute(deletions, find_in_message(message, CTA_ZONE));
	/* So that a new connection of the same two ends is not taken for it. */
	copy_attribute(deletions, find_in_message(message, CTA_ID));
}

/* One that has gone by itself is gone. */
static bool keep_failure(const struct netlink_answer *answer, void *context)
{
	int *number = context;

	if (answer->number != 0 && answer->number != ENOENT && *number == 0)
		*number = answer->number;
	return false;
}

static int forget_filtered(int nfnetlink, const struct conntrack_order *order, const struct filter *filter, char *bytes, struct error *err)
{
	for (int rounds = 0; rounds < MAX_ROUNDS; rounds++) {
		_Alignas(struct nlmsghdr) char question[QUESTION_SIZE];
		struct netlink_batch batch;
		struct round round = { .order = order };
		int number = 0;

		netlink_batch_init(&batch, question, sizeof(question));
		put_message(&batch, IPCTNL_MSG_CT_GET, NLM_F_DUMP);
		put_filter(&batch, filter);
		netlink_batch_init(&round.deletions, bytes, ROUND_SIZE);
		int result = netlink_dump(nfnetlink, &batch, take_entry, &round);

		if (result < 0)
			return error_set(err, -result, "list of connections");
		result = netlink_exchange(nfnetlink, &round.deletions, keep_failure, &number);
		if (result < 0 || number != 0)
			return error_set(err, result < 0 ? -result : number, "%u connections", round.deletions.count);
		if (!round.more)
			return 0;
	}
	return error_set(err, EAGAIN, "new connections come faster than they are removed");
}

int conntrack_forget(int nfnetlink, const struct conntrack_order *order, struct error *err)
{
	_cleanup_free_ char *bytes = malloc(ROUND_SIZE);
	const struct address_range *range = order->ranges;
	struct filter filter = { 0 };

	if (bytes == NULL)
		return error_set(err, ENOMEM, "room for %d bytes", ROUND_SIZE);
	if (order->range_count == 1 && order->port_count == 0 && range->first == range->last) {
		filter.source = htonl(range->first);
		if (forget_filtered(nfnetlink, order, &filter, bytes, err) < 0)
			return -1;
		filter = (struct filter){ .answering = htonl(range->first) };
	} else if (order->range_count == 0 && order->port_count == 1) {
		filter = (struct filter){ .port = htons(order->ports->port), .protocol = order->ports->protocol };
	}
	return forget_filtered(nfnetlink, order, &filter, bytes, err);
}
