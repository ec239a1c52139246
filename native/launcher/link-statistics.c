#include "launcher/link-statistics.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <string.h>

#include "launcher/link.h"

enum { QUESTION_SIZE = 128 };

/* Not RTM_GETLINK, whose answer tells everything about a link and takes a hundred times the bytes. */
void link_statistics_put_question(struct netlink_batch *batch, int index)
{
	struct if_stats_msg *header = netlink_message(batch, RTM_GETSTATS, 0, sizeof(*header));

	if (header == NULL)
		return;
	header->ifindex = (uint32_t)index;
	header->filter_mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64);
}

bool link_statistics_read_message(const struct nlmsghdr *message, int index, struct link_statistics *ret_statistics)
{
	const struct if_stats_msg *header = mnl_nlmsg_get_payload(message);
	const struct nlattr *attribute;
	struct rtnl_link_stats64 counters = { 0 };

	if (message->nlmsg_type != RTM_NEWSTATS || mnl_nlmsg_get_payload_len(message) < sizeof(*header) || header->ifindex != (uint32_t)index)
		return false;
	mnl_attr_for_each(attribute, message, sizeof(*header)) {
		size_t length = mnl_attr_get_payload_len(attribute);

		/* Kernels append counters, and those that we want come first. */
		if (mnl_attr_get_type(attribute) != IFLA_STATS_LINK_64 || length < offsetof(struct rtnl_link_stats64, rx_errors))
			continue;
		memcpy(&counters, mnl_attr_get_payload(attribute), length < sizeof(counters) ? length : sizeof(counters));
		*ret_statistics = (struct link_statistics){
			.in_bytes = counters.tx_bytes, .in_packets = counters.tx_packets, .out_bytes = counters.rx_bytes, .out_packets = counters.rx_packets,
		};
		return true;
	}
	return false;
}

struct reading {
	struct link_statistics *statistics;
	int index;
	bool found;
};

static void read_message(const struct nlmsghdr *message, void *context)
{
	struct reading *reading = context;

	reading->found |= link_statistics_read_message(message, reading->index, reading->statistics);
}

int link_statistics_get(int rtnetlink, const char *host_name, struct link_statistics *ret_statistics, struct error *err)
{
	_Alignas(struct nlmsghdr) char bytes[QUESTION_SIZE];
	struct netlink_batch batch;
	struct reading reading = { .statistics = ret_statistics, .index = link_find_index(rtnetlink, host_name) };

	if (reading.index == 0)
		return error_set(err, errno, "%s", host_name);
	netlink_batch_init(&batch, bytes, sizeof(bytes));
	link_statistics_put_question(&batch, reading.index);
	int result = netlink_query(rtnetlink, &batch, read_message, &reading);

	if (result < 0)
		return error_set(err, -result, "%s", host_name);
	/* It went between the two questions. */
	return reading.found ? 0 : error_set(err, ENODEV, "%s", host_name);
}
