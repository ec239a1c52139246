#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/conntrack.h"
#include "launcher/port-requests.h"

static uint32_t load_address(const uint8_t *bytes)
{
	uint32_t address;

	memcpy(&address, bytes, sizeof(address));
	return ntohl(address);
}

static int read_range(struct conntrack_order *order, const struct wire_attribute *attribute, struct error *err)
{
	struct address_range *range = &order->ranges[order->range_count];

	if (attribute->size != 2 * sizeof(uint32_t))
		return error_set(err, EBADMSG, "address range of %u bytes", attribute->size);
	*range = (struct address_range){ load_address(attribute->data), load_address(attribute->data + sizeof(uint32_t)) };
	if (range->first == 0 || range->first > range->last)
		return error_set(err, EINVAL, "address range that begins at 0 or ends before it begins");
	order->range_count++;
	return 0;
}

struct port_reading {
	struct port_order port;
	uint32_t address;
};

static int read_port_attribute(void *context, const struct wire_attribute *attribute, struct error *err)
{
	struct port_reading *reading = context;

	if (attribute->tag != TAG_ADDRESS)
		return port_order_attribute(&reading->port, attribute, err);
	if (attribute->size != sizeof(reading->address))
		return error_set(err, EBADMSG, "address of %u bytes", attribute->size);
	reading->address = load_address(attribute->data);
	return 0;
}

static int read_port(struct conntrack_order *order, const struct wire_attribute *nested, struct error *err)
{
	struct port_reading reading = { 0 };

	if (wire_read_all(nested->data, nested->size, read_port_attribute, &reading, err) < 0 || port_order_check(&reading.port, err) < 0)
		return -1;
	order->ports[order->port_count++] = (struct forwarded_port){ (uint8_t)reading.port.protocol, (uint16_t)reading.port.port, reading.address };
	return 0;
}

static int read_attribute(void *context, const struct wire_attribute *attribute, struct error *err)
{
	if (attribute->tag == TAG_ADDRESS_RANGE)
		return read_range(context, attribute, err);
	if (attribute->tag == TAG_FORWARDED_PORT)
		return read_port(context, attribute, err);
	return 0;
}

static int count_attribute(void *context, const struct wire_attribute *attribute, struct error *err)
{
	struct conntrack_order *order = context;

	order->range_count += attribute->tag == TAG_ADDRESS_RANGE;
	order->port_count += attribute->tag == TAG_FORWARDED_PORT;
	if (order->range_count > CONNTRACK_MAX_RANGES || order->port_count > CONNTRACK_MAX_PORTS)
		return error_set(err, E2BIG, "more than %d address ranges or %d ports", CONNTRACK_MAX_RANGES, CONNTRACK_MAX_PORTS);
	return 0;
}

static int compare_ranges(const void *one, const void *other)
{
	uint32_t a = ((const struct address_range *)one)->first, b = ((const struct address_range *)other)->first;

	return a < b ? -1 : a > b;
}

static int compare_ports(const void *one, const void *other)
{
	return (int)((const struct forwarded_port *)one)->port - (int)((const struct forwarded_port *)other)->port;
}

/* Sorted, and those that overlap made one, so that at most one can hold an address. */
static void join_ranges(struct conntrack_order *order)
{
	size_t kept = 0;

	qsort(order->ranges, order->range_count, sizeof(*order->ranges), compare_ranges);
	for (size_t i = 1; i < order->range_count; i++) {
		struct address_range *last = &order->ranges[kept];

		if (order->ranges[i].first > last->last)
			order->ranges[++kept] = order->ranges[i];
		else if (order->ranges[i].last > last->last)
			last->last = order->ranges[i].last;
	}
	if (order->range_count > 0)
		order->range_count = kept + 1;
}

int conntrack_order_read(const void *body, size_t size, struct conntrack_order *ret_order, struct error *err)
{
	struct conntrack_order count = { 0 };

	*ret_order = (struct conntrack_order){ 0 };
	if (wire_read_all(body, size, count_attribute, &count, err) < 0)
		return -1;
	ret_order->ranges = calloc(count.range_count + 1, sizeof(*ret_order->ranges));
	ret_order->ports = calloc(count.port_count + 1, sizeof(*ret_order->ports));
	if (ret_order->ranges == NULL || ret_order->ports == NULL)
		return error_set(err, ENOMEM, "%zu address ranges and %zu ports", count.range_count, count.port_count);
	if (wire_read_all(body, size, read_attribute, ret_order, err) < 0)
		return -1;
	join_ranges(ret_order);
	qsort(ret_order->ports, ret_order->port_count, sizeof(*ret_order->ports), compare_ports);
	return 0;
}

void conntrack_order_free(struct conntrack_order *order)
{
	free(order->ranges);
	free(order->ports);
	*order = (struct conntrack_order){ 0 };
}
