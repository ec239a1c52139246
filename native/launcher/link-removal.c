#include "launcher/link-removal.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include "lib/codec.h"
#include "lib/fd.h"
#include "launcher/background.h"
#include "launcher/link.h"
#include "launcher/netlink.h"
#include "launcher/steps.h"

enum { REMOVAL_CAPACITY = 65536, REMOVAL_BATCH_SIZE = 256 };

struct order {
	char host_name[IFNAMSIZ];
	uint32_t index;
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
	return ret_order->host_name[0] != '\0' && ret_order->index != 0 ? 0 : error_set(err, EINVAL, "a link without name or number");
}

/* The kernel waits for RCU meanwhile: in a process of its own, and so with a socket of its own. */
static int remove_link(int descriptor, const void *context, struct error *err)
{
	_Alignas(struct nlmsghdr) char bytes[REMOVAL_BATCH_SIZE];
	const struct order *order = context;
	struct netlink_batch batch;
	struct netlink_answer answer;
	_cleanup_close_ int rtnetlink = netlink_open(NETLINK_ROUTE, REMOVAL_CAPACITY);

	(void)descriptor;
	if (rtnetlink < 0)
		return error_set(err, -rtnetlink, "netlink socket");
	if (link_find_index(rtnetlink, order->host_name) != (int)order->index)
		return 0;
	netlink_batch_init(&batch, bytes, sizeof(bytes));
	struct ifinfomsg *header = netlink_message(&batch, RTM_DELLINK, 0, sizeof(*header));

	if (header != NULL)
		header->ifi_index = (int)order->index;
	int result = netlink_apply(rtnetlink, &batch, &answer);

	return result == 0 || result == -ENODEV ? 0 : error_set(err, -result, "%s", order->host_name);
}

void remove_link_begin(struct launcher *launcher, uint32_t request, const void *body, size_t size)
{
	struct error err = { .step = STEP_REMOVE_LINK };
	struct order order;
	const struct background_task task = {
		.step = STEP_REMOVE_LINK, .max_under_way = LINK_REMOVALS_UNDER_WAY, .descriptor = -1, .work = remove_link, .order = &order,
	};

	if (read_order(&order, body, size, &err) < 0 || background_start(launcher, request, &task, &err) < 0)
		answer_error(launcher, request, &err);
}
