/*
 * libFuzzer's entry for CREATE, FIREWALL and QUOTA messages: whatever is read of one is also turned into netlink messages, in a buffer of just the size
 * that firewall_batch_size() says.
 */
#include <stdint.h>
#include <stdlib.h>

#include "launcher/description.h"
#include "launcher/quota.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct description description;
	struct error err = { 0 };

	if (description_read(&description, data, size, &err) == 0) {
		size_t needed = firewall_batch_size(description.element_count);
		_Alignas(8) char pair[1024];
		struct netlink_batch batch;
		char *bytes = malloc(needed);

		netlink_batch_init(&batch, bytes, needed);
		firewall_put_transaction(&batch, description.elements, description.element_count, NULL);
		if (batch.full)
			abort();
		if (description.has_link) {
			netlink_batch_init(&batch, pair, sizeof(pair));
			link_put_pair(&batch, &description.link, 3);
			if (batch.full)
				abort();
		}
		free(bytes);
	}
	description_free(&description);

	struct quota_order order;

	quota_order_read(data, size, &order, &err);
	free(order.path);
	return 0;
}
