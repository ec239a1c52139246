/*
 * libFuzzer's entry for CREATE, FIREWALL, QUOTA, LISTENING and FORGET_CONNECTIONS messages: whatever is read of one is also turned into netlink messages, in a buffer of just the size
 * that firewall_batch_size() says.
 */
#include <stdint.h>
#include <stdlib.h>

#include "launcher/conntrack.h"
#include "launcher/description.h"
#include "launcher/port-requests.h"
#include "launcher/quota.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_change(const struct firewall_change *change)
{
	size_t needed = firewall_batch_size(change);
	uint32_t *owners = malloc(firewall_message_count(change) * sizeof(*owners));
	struct netlink_batch batch;
	char *bytes = malloc(needed);

	netlink_batch_init(&batch, bytes, needed);
	firewall_put_transaction(&batch, change, NULL, owners);
	if (batch.full)
		abort();
	free(owners);
	free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct description description;
	struct error err = { 0 };

	if (description_read(&description, data, size, &err) == 0) {
		_Alignas(8) char pair[1024];
		struct netlink_batch batch;

		if (description.has_link) {
			netlink_batch_init(&batch, pair, sizeof(pair));
			link_put_pair(&batch, &description.link, 3);
			if (batch.full)
				abort();
		}
	}
	description_free(&description);

	struct firewall_change change;

	if (firewall_change_read(data, size, &change, &err) == 0) {
		put_change(&change);
		firewall_change_free(&change);
	}

	struct quota_order order;

	quota_order_read(data, size, &order, &err);
	free(order.path);

	struct conntrack_order connections;
	struct port_order port;

	conntrack_order_read(data, size, &connections, &err);
	conntrack_order_free(&connections);
	port_order_read(data, size, &port, &err);
	return 0;
}
