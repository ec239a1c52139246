/*
 * libFuzzer's entry for what the kernel tells: connections, rules of a chain, counters and queues of links, reports on transactions. Some of it is made of what
 * containers send.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/conntrack.h"
#include "launcher/firewall.h"
#include "launcher/firewall-watch.h"
#include "launcher/link-statistics.h"
#include "launcher/shape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_one(const struct nlmsghdr *message)
{
	struct address_range ranges[2] = { { 0x0afe0000, 0x0afe00ff }, { 0x0afe0200, 0x0afe0200 } };
	struct forwarded_port ports[2] = { { 6, 80, 0x0afe0002 }, { 17, 53, 0 } };
	const struct conntrack_order order = { ranges, 2, ports, 2 };
	struct firewall_rule rules[2] = { { .note = "\0\2a", .note_size = 4 }, { .note = "b", .note_size = 1 } };
	struct firewall_search search = { .rules = rules, .count = 2 };
	struct tracked_connection connection;
	struct link_statistics statistics;

	if (conntrack_read(message, &connection))
		conntrack_matches(&order, &connection);
	firewall_search_take(message, &search);
	link_statistics_read_message(message, 7, &statistics);
	tbf_read(message, 1500);
	redirect_leads_to(message, 7);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Aligned as the buffer of a socket is, and of just this size. */
	char *bytes = aligned_alloc(8, (size + 8) & ~(size_t)7);
	const struct nlmsghdr *message = (const struct nlmsghdr *)bytes;
	struct firewall_transaction transaction = { 0 };
	struct firewall_author author;
	int left = (int)size;

	memcpy(bytes, data, size);
	for (; netlink_is_whole(message, left); message = mnl_nlmsg_next(message, &left)) {
		/* A message of its own, so that a byte behind it is noticed. The kernel's are padded, and libmnl reads so far. */
		struct nlmsghdr *alone = calloc(1, MNL_ALIGN(message->nlmsg_len));

		memcpy(alone, message, message->nlmsg_len);
		read_one(alone);
		free(alone);
	}
	firewall_watch_read(bytes, size, "warden", &transaction, &author);
	free(bytes);
	return 0;
}
