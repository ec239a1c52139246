#include "launcher/shape-requests.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>

#include "lib/fd.h"
#include "launcher/background.h"
#include "launcher/description.h"
#include "launcher/shape.h"
#include "launcher/steps.h"

enum { REMOVAL_CAPACITY = 16384, MIN_MTU = 68, MAX_MTU = 65535 };

struct order {
	struct shape_link link;
	struct bucket bucket;
};

static int read_attribute(void *context, const struct wire_attribute *attribute, struct error *err)
{
	struct order *order = context;

	switch (attribute->tag) {
	case TAG_HOST_NAME:
		return wire_string_into(attribute, order->link.host_name, sizeof(order->link.host_name), err);
	case TAG_IFB_NAME:
		return wire_string_into(attribute, order->link.ifb_name, sizeof(order->link.ifb_name), err);
	case TAG_ALIAS:
		return wire_string_into(attribute, order->link.alias, sizeof(order->link.alias), err);
	case TAG_MTU:
		return wire_u32(attribute, &order->link.mtu, err);
	case TAG_RATE:
		return wire_u64(attribute, &order->bucket.rate, err);
	case TAG_BURST:
		return wire_u64(attribute, &order->bucket.burst, err);
	default:
		return 0;
	}
}

static int read_order(struct order *ret_order, const void *body, size_t size, struct error *err)
{
	if (wire_read_all(body, size, read_attribute, ret_order, err) < 0)
		return -1;
	if (!interface_name_is_valid(ret_order->link.ifb_name))
		return error_set(err, EINVAL, "ifb name '%s'", ret_order->link.ifb_name);
	return 0;
}

static int check_link(const struct shape_link *link, struct error *err)
{
	if (!interface_name_is_valid(link->host_name))
		return error_set(err, EINVAL, "host name '%s'", link->host_name);
	if (link->mtu < MIN_MTU || link->mtu > MAX_MTU)
		return error_set(err, EINVAL, "mtu %u", link->mtu);
	return 0;
}

static int check_bucket(const struct bucket *bucket, struct error *err)
{
	if (bucket->rate == 0 || bucket->rate > SHAPE_MAX_RATE || bucket->burst == 0 || bucket->burst > SHAPE_MAX_BURST)
		return error_set(err, EINVAL, "rate %llu, burst %llu", (unsigned long long)bucket->rate, (unsigned long long)bucket->burst);
	return 0;
}

static void put_bucket(struct wire_buffer *buffer, uint16_t tag, const struct bucket *bucket)
{
	if (bucket->rate == 0)
		return;
	size_t nest = wire_open(buffer, tag);

	wire_put_u64(buffer, TAG_RATE, bucket->rate);
	wire_put_u64(buffer, TAG_BURST, bucket->burst);
	wire_close(buffer, nest);
}

static void answer_shape(struct launcher *launcher, uint32_t request, const struct shape_link *link)
{
	struct error err = { .step = STEP_READ_BANDWIDTH };
	struct shape shape;

	if (shape_get(launcher->host.rtnetlink, link, &shape, &err) < 0) {
		answer_error(launcher, request, &err);
		return;
	}
	answer_begin(launcher, request);
	put_bucket(&launcher->output, TAG_INBOUND, &shape.inbound);
	put_bucket(&launcher->output, TAG_OUTBOUND, &shape.outbound);
	answer_send(launcher);
}

void shape_begin(struct launcher *launcher, uint32_t request, const void *body, size_t size)
{
	struct error err = { .step = STEP_LIMIT_BANDWIDTH };
	struct order order = { 0 };

	if (read_order(&order, body, size, &err) < 0 || check_link(&order.link, &err) < 0 || check_bucket(&order.bucket, &err) < 0 ||
	    shape_set(launcher->host.rtnetlink, &order.link, &order.bucket, &err) < 0)
		answer_error(launcher, request, &err);
	else
		answer_shape(launcher, request, &order.link);
}

void shape_read_begin(struct launcher *launcher, uint32_t request, const void *body, size_t size)
{
	struct error err = { .step = STEP_READ_BANDWIDTH };
	struct order order = { 0 };

	if (read_order(&order, body, size, &err) < 0 || check_link(&order.link, &err) < 0)
		answer_error(launcher, request, &err);
	else
		answer_shape(launcher, request, &order.link);
}

/* In a process of its own, and so with a socket of its own. */
static int remove_ifb(int descriptor, const void *context, struct error *err)
{
	const struct order *order = context;
	_cleanup_close_ int rtnetlink = netlink_open(NETLINK_ROUTE, REMOVAL_CAPACITY, err);

	(void)descriptor;
	return rtnetlink < 0 ? -1 : shape_remove_ifb(rtnetlink, order->link.ifb_name, err);
}

void unshape_begin(struct launcher *launcher, uint32_t request, const void *body, size_t size)
{
	struct error err = { .step = STEP_REMOVE_BANDWIDTH };
	struct order order = { 0 };
	const struct background_task task = {
		.step = STEP_REMOVE_BANDWIDTH, .max_under_way = UNSHAPE_MAX_UNDER_WAY, .descriptor = -1, .work = remove_ifb, .order = &order,
	};

	if (read_order(&order, body, size, &err) < 0) {
		answer_error(launcher, request, &err);
		return;
	}
	if (order.link.host_name[0] != '\0')
		shape_clear(launcher->host.rtnetlink, order.link.host_name);
	if (!link_exists(launcher->host.rtnetlink, order.link.ifb_name))
		answer_ok(launcher, request);
	else if (background_start(launcher, request, &task, &err) < 0)
		answer_error(launcher, request, &err);
}
