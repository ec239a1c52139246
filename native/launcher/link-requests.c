#include "launcher/link-requests.h"

#include <errno.h>
#include <net/if.h>

#include "lib/codec.h"
#include "lib/fd.h"
#include "launcher/background.h"
#include "launcher/description.h"
#include "launcher/link.h"
#include "launcher/link-statistics.h"
#include "launcher/netlink.h"
#include "launcher/steps.h"

enum { REMOVAL_CAPACITY = 65536 };

struct order {
	char host_name[IFNAMSIZ];
	uint32_t index;   /* 0: absent */
};

static int read_attribute(void *context, const struct wire_attribute *attribute, struct error *err)
{
	struct order *order = context;

	switch (attribute->tag) {
	case TAG_HOST_NAME:
		return wire_string_into(attribute, order->host_name, sizeof(order->host_name), err);
	case TAG_LINK_INDEX:
		return wire_u32(attribute, &order->index, err);
	default:
		return 0;
	}
}

static int read_order(struct order *ret_order, const void *body, size_t size, struct error *err)
{
	*ret_order = (struct order){ 0 };
	if (wire_read_all(body, size, read_attribute, ret_order, err) < 0)
		return -1;
	return interface_name_is_valid(ret_order->host_name) ? 0 : error_set(err, EINVAL, "host name '%s'", ret_order->host_name);
}

void read_link_serve(struct launcher *launcher, uint32_t request, const void *body, size_t size)
{
	struct error err = { .step = STEP_READ_LINK };
	struct order order;
	struct link_statistics statistics;

	if (read_order(&order, body, size, &err) < 0 || link_statistics_get(launcher->host.rtnetlink, order.host_name, &statistics, &err) < 0) {
		answer_error(launcher, request, &err);
		return;
	}
	answer_begin(launcher, request);
	wire_put_u64(&launcher->output, TAG_IN_BYTES, statistics.in_bytes);
	wire_put_u64(&launcher->output, TAG_IN_PACKETS, statistics.in_packets);
	wire_put_u64(&launcher->output, TAG_OUT_BYTES, statistics.out_bytes);
	wire_put_u64(&launcher->output, TAG_OUT_PACKETS, statistics.out_packets);
	answer_send(launcher);
}

/* In a process of its own, and so with a socket of its own. */
static int remove_link(int descriptor, const void *context, struct error *err)
{
	const struct order *order = context;
	_cleanup_close_ int rtnetlink = netlink_open(NETLINK_ROUTE, REMOVAL_CAPACITY, err);

	(void)descriptor;
	if (rtnetlink < 0)
		return -1;
	if (link_find_index(rtnetlink, order->host_name) != (int)order->index)
		return 0;
	return link_remove(rtnetlink, order->host_name, (int)order->index, err);
}

void remove_link_begin(struct launcher *launcher, uint32_t request, const void *body, size_t size)
{
	struct error err = { .step = STEP_REMOVE_LINK };
	struct order order;
	const struct background_task task = {
		.step = STEP_REMOVE_LINK, .max_under_way = LINK_REMOVALS_UNDER_WAY, .descriptor = -1, .work = remove_link, .order = &order,
	};
	int result = read_order(&order, body, size, &err);

	if (result == 0 && order.index == 0)
		result = error_set(&err, EINVAL, "link %s without its number", order.host_name);
	if (result < 0 || background_start(launcher, request, &task, &err) < 0)
		answer_error(launcher, request, &err);
}
