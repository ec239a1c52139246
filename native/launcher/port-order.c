#include <errno.h>
#include <netinet/in.h>

#include "launcher/port-requests.h"

int port_order_check(const struct port_order *order, struct error *err)
{
	if (order->protocol != IPPROTO_TCP && order->protocol != IPPROTO_UDP)
		return error_set(err, EINVAL, "protocol %u", order->protocol);
	if (order->port == 0 || order->port > UINT16_MAX)
		return error_set(err, EINVAL, "port %u", order->port);
	return 0;
}

int port_order_attribute(void *context, const struct wire_attribute *attribute, struct error *err)
{
	struct port_order *order = context;

	switch (attribute->tag) {
	case TAG_PROTOCOL:
		return wire_u32(attribute, &order->protocol, err);
	case TAG_PORT:
		return wire_u32(attribute, &order->port, err);
	default:
		return 0;
	}
}

int port_order_read(const void *body, size_t size, struct port_order *ret_order, struct error *err)
{
	*ret_order = (struct port_order){ 0 };
	if (wire_read_all(body, size, port_order_attribute, ret_order, err) < 0)
		return -1;
	return port_order_check(ret_order, err);
}
