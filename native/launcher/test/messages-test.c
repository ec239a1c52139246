/* The netlink messages, taken apart again: lengths, nesting, brackets, and batches that are too small. */
#include <linux/if_link.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <string.h>

#include "lib/wire.h"
#include "launcher/firewall.h"
#include "launcher/link.h"
#include "launcher/link-statistics.h"
#include "test/tap.h"

static _Alignas(8) char bytes[65536];

/* The first attribute of that type among `size` bytes of attributes, or NULL. */
static const struct nlattr *find(const void *attributes, size_t size, uint16_t type)
{
	const struct nlattr *attribute = attributes;
	const char *end = (const char *)attributes + size;

	for (; mnl_attr_ok(attribute, (int)(end - (const char *)attribute)); attribute = mnl_attr_next(attribute))
		if (mnl_attr_get_type(attribute) == type)
			return attribute;
	return NULL;
}

static const struct nlattr *find_nested(const struct nlattr *outer, uint16_t type)
{
	return outer != NULL ? find(mnl_attr_get_payload(outer), mnl_attr_get_payload_len(outer), type) : NULL;
}

static const struct nlattr *find_in(const struct nlmsghdr *message, size_t header_size, uint16_t type)
{
	const char *start = (const char *)mnl_nlmsg_get_payload(message) + MNL_ALIGN(header_size);

	return find(start, (size_t)((const char *)mnl_nlmsg_get_payload_tail(message) - start), type);
}

static bool holds_text(const struct nlattr *attribute, const char *text)
{
	return attribute != NULL && mnl_attr_get_payload_len(attribute) == strlen(text) + 1 && strcmp(mnl_attr_get_str(attribute), text) == 0;
}

/* Messages of a batch as they follow one another; 0 when their lengths do not add up. */
static uint32_t count_messages(const struct netlink_batch *batch, const struct nlmsghdr **ret_messages, uint32_t max)
{
	const struct nlmsghdr *message = (const struct nlmsghdr *)batch->bytes;
	int left = (int)batch->used;
	uint32_t count = 0;

	for (; mnl_nlmsg_ok(message, left) && count < max; message = mnl_nlmsg_next(message, &left))
		ret_messages[count++] = message;
	return left == 0 ? count : 0;
}

static struct link_description example_link(void)
{
	struct link_description link = { .host_name = "w-example-0", .container_name = "w-example-1", .prefix = 30, .mtu = 1400,
		.host_mac = { 2, 0, 0, 0, 0, 1 }, .container_mac = { 2, 0, 0, 0, 0, 2 } };

	link.host_address.s_addr = 0x0100fe0a;
	link.container_address.s_addr = 0x0200fe0a;
	return link;
}

static void test_pair(void)
{
	struct link_description link = example_link();
	const struct nlmsghdr *message;
	struct netlink_batch batch;

	netlink_batch_init(&batch, bytes, sizeof(bytes));
	link_put_pair(&batch, &link, 17);
	CHECK(!batch.full && count_messages(&batch, &message, 1) == 1, "a veth pair is one message");
	CHECK(message->nlmsg_type == RTM_NEWLINK && (message->nlmsg_flags & NLM_F_EXCL), "which makes a new link");
	CHECK(holds_text(find_in(message, sizeof(struct ifinfomsg), IFLA_IFNAME), "w-example-0"), "named as the host's end");
	const struct nlattr *info = find_in(message, sizeof(struct ifinfomsg), IFLA_LINKINFO);

	CHECK(holds_text(find_nested(info, IFLA_INFO_KIND), "veth"), "of kind veth");
	const struct nlattr *peer = find_nested(find_nested(info, IFLA_INFO_DATA), VETH_INFO_PEER);

	if (!CHECK(peer != NULL && mnl_attr_get_payload_len(peer) > sizeof(struct ifinfomsg), "with a peer"))
		return;
	const char *attributes = (const char *)mnl_attr_get_payload(peer) + MNL_ALIGN(sizeof(struct ifinfomsg));
	size_t size = mnl_attr_get_payload_len(peer) - MNL_ALIGN(sizeof(struct ifinfomsg));

	CHECK(holds_text(find(attributes, size, IFLA_IFNAME), "w-example-1"), "named as the container's end");
	CHECK(find(attributes, size, IFLA_NET_NS_FD) != NULL && mnl_attr_get_u32(find(attributes, size, IFLA_NET_NS_FD)) == 17,
		"in the container's namespace");
	CHECK(find(attributes, size, IFLA_ADDRESS) != NULL && memcmp(mnl_attr_get_payload(find(attributes, size, IFLA_ADDRESS)), link.container_mac, 6) == 0,
		"with its hardware address");
	const struct nlattr *queues[] = {
		find_in(message, sizeof(struct ifinfomsg), IFLA_NUM_TX_QUEUES), find_in(message, sizeof(struct ifinfomsg), IFLA_NUM_RX_QUEUES),
		find(attributes, size, IFLA_NUM_TX_QUEUES), find(attributes, size, IFLA_NUM_RX_QUEUES),
	};
	bool single = true;

	for (size_t i = 0; i < sizeof(queues) / sizeof(*queues); i++)
		single &= queues[i] != NULL && mnl_attr_get_u32(queues[i]) == 1;
	CHECK(single, "both ends have one queue, however many processors there are");
}

static void test_container_end(void)
{
	struct link_description link = example_link();
	const struct nlmsghdr *messages[8];
	struct netlink_batch batch;

	netlink_batch_init(&batch, bytes, sizeof(bytes));
	link_put_loopback(&batch);
	link_put_container_end(&batch, &link, 5);
	uint32_t count = count_messages(&batch, messages, 8);

	if (!CHECK(count >= 4 && count == batch.count, "loopback, address, up and route follow one another"))
		return;
	const struct nlmsghdr *address = messages[count - 3], *route = messages[count - 1];

	CHECK(address->nlmsg_type == RTM_NEWADDR && ((const struct ifaddrmsg *)mnl_nlmsg_get_payload(address))->ifa_prefixlen == 30, "the address has its prefix");
	CHECK(messages[count - 2]->nlmsg_type == RTM_SETLINK, "the interface comes up after it");
	CHECK(route->nlmsg_type == RTM_NEWROUTE && mnl_attr_get_u32(find_in(route, sizeof(struct rtmsg), RTA_GATEWAY)) == link.host_address.s_addr,
		"the route's gateway is the host's end");
	bool ordered = true;

	for (uint32_t i = 0; i < count; i++)
		ordered &= messages[i]->nlmsg_seq == batch.first + i;
	CHECK(ordered, "sequence numbers count up");
}

static void test_small_batches(void)
{
	struct link_description link = example_link();
	struct netlink_batch batch;
	bool refused = true, inside = true;

	netlink_batch_init(&batch, bytes, sizeof(bytes));
	link_put_pair(&batch, &link, 17);
	size_t needed = batch.used;

	for (size_t size = 0; size < needed; size++) {
		memset(bytes, 0x5a, sizeof(bytes));
		netlink_batch_init(&batch, bytes, size);
		link_put_pair(&batch, &link, 17);
		refused &= batch.full && netlink_exchange(-1, &batch, NULL, NULL) < 0;
		for (size_t i = size; i < needed; i++)
			inside &= bytes[i] == 0x5a;
	}
	CHECK(refused, "a batch that is too small is refused, whatever its size");
	CHECK(inside, "and nothing is written behind it");
}

static struct firewall_element example_element(uint32_t operation, const void *key, size_t key_size)
{
	struct firewall_element element = { .operation = operation, .family = 1, .table = "warden", .set = "sources", .key = key, .key_size = key_size };

	return element;
}

static void test_transaction(void)
{
	static const char key[28] = "w-example-0";
	const uint8_t skip[3] = { 0, 1, 0 };
	const struct nlmsghdr *messages[8];
	struct netlink_batch batch;
	struct firewall_element elements[3] = { example_element(ELEMENT_ADD, key, sizeof(key)), example_element(ELEMENT_DELETE, key, 16),
		example_element(ELEMENT_ENSURE, key, 16) };

	elements[2].data = key;
	elements[2].data_size = 4;
	const struct firewall_change change = { .elements = elements, .element_count = 3 };

	netlink_batch_init(&batch, bytes, sizeof(bytes));
	firewall_put_transaction(&batch, &change, NULL, NULL);
	if (!CHECK(count_messages(&batch, messages, 8) == 5, "three elements are five messages"))
		return;
	CHECK(messages[0]->nlmsg_type == NFNL_MSG_BATCH_BEGIN && messages[4]->nlmsg_type == NFNL_MSG_BATCH_END, "two of them brackets");
	CHECK(batch.last == 3 && (messages[3]->nlmsg_flags & NLM_F_ACK) && !(messages[4]->nlmsg_flags & NLM_F_ACK), "the last element is acknowledged");
	CHECK((messages[1]->nlmsg_flags & NLM_F_EXCL) && !(messages[3]->nlmsg_flags & NLM_F_EXCL), "adding refuses what is present, ensuring does not");
	CHECK((messages[2]->nlmsg_type & 0xff) == NFT_MSG_DELSETELEM, "deleting deletes");
	const struct nlattr *item = find_nested(find_in(messages[3], sizeof(struct nfgenmsg), NFTA_SET_ELEM_LIST_ELEMENTS), NFTA_LIST_ELEM);
	const struct nlattr *value = find_nested(find_nested(item, NFTA_SET_ELEM_KEY), NFTA_DATA_VALUE);

	CHECK(value != NULL && mnl_attr_get_payload_len(value) == 16 && memcmp(mnl_attr_get_payload(value), key, 16) == 0, "the key is as it was given");
	CHECK(find_nested(find_nested(item, NFTA_SET_ELEM_DATA), NFTA_DATA_VALUE) != NULL, "so is the data of a map");
	netlink_batch_init(&batch, bytes, sizeof(bytes));
	firewall_put_transaction(&batch, &change, skip, NULL);
	CHECK(count_messages(&batch, messages, 8) == 4 && batch.last == 2, "an element that is skipped leaves no gap");
}

/* A chain with rules, an element that jumps to it, and a chain that goes. */
static void test_chains(void)
{
	static const char expressions[20] = "these are some bytes", name[16] = "w-example-0";
	struct firewall_element element = example_element(ELEMENT_ENSURE, name, sizeof(name));
	struct firewall_rule rules[2] = { { .expressions = expressions, .size = 20 }, { .expressions = expressions, .size = 8 } };
	struct firewall_chain chains[2] = { { .operation = ELEMENT_DELETE, .family = 1, .table = "warden", .name = "out-old" },
		{ .operation = ELEMENT_ENSURE, .family = 1, .table = "warden", .name = "out-new", .rule_count = 2 } };
	const struct firewall_change change = { .elements = &element, .element_count = 1, .chains = chains, .chain_count = 2, .rules = rules, .rule_count = 2 };
	const struct nlmsghdr *messages[16];
	uint32_t owners[16];
	struct netlink_batch batch;

	strcpy(element.jump, "out-new");
	netlink_batch_init(&batch, bytes, sizeof(bytes));
	firewall_put_transaction(&batch, &change, NULL, owners);
	if (!CHECK(count_messages(&batch, messages, 16) == 8 && firewall_message_count(&change) >= 8, "a chain of two rules, an element, a chain that goes: eight messages"))
		return;
	static const uint8_t order[6] = { NFT_MSG_NEWCHAIN, NFT_MSG_DELRULE, NFT_MSG_NEWRULE, NFT_MSG_NEWRULE, NFT_MSG_NEWSETELEM, NFT_MSG_DELCHAIN };
	bool ordered = true;

	for (int i = 0; i < 6; i++)
		ordered &= (messages[i + 1]->nlmsg_type & 0xff) == order[i];
	CHECK(ordered, "made, emptied, filled; then the element; deleted last");
	CHECK(batch.last == 6 && (messages[6]->nlmsg_flags & NLM_F_ACK), "which is acknowledged");
	CHECK(owners[0] == 3 && owners[1] == 2 && owners[4] == 2 && owners[5] == 0 && owners[6] == 1 && owners[7] == 3, "every message has its owner");
	CHECK(holds_text(find_in(messages[1], sizeof(struct nfgenmsg), NFTA_CHAIN_NAME), "out-new") &&
	      holds_text(find_in(messages[2], sizeof(struct nfgenmsg), NFTA_RULE_CHAIN), "out-new"), "chains by their names");
	const struct nlattr *rule = find_in(messages[3], sizeof(struct nfgenmsg), NFTA_RULE_EXPRESSIONS);

	CHECK((messages[3]->nlmsg_flags & NLM_F_APPEND) && rule != NULL && (rule->nla_type & NLA_F_NESTED) && mnl_attr_get_payload_len(rule) == 20 &&
	      memcmp(mnl_attr_get_payload(rule), expressions, 20) == 0, "rules are appended as they were given");
	const struct nlattr *item = find_nested(find_in(messages[5], sizeof(struct nfgenmsg), NFTA_SET_ELEM_LIST_ELEMENTS), NFTA_LIST_ELEM);
	const struct nlattr *verdict = find_nested(find_nested(item, NFTA_SET_ELEM_DATA), NFTA_DATA_VERDICT);

	CHECK(holds_text(find_nested(verdict, NFTA_VERDICT_CHAIN), "out-new"), "the element jumps to the chain");
	const uint8_t skip[3] = { 0, 1, 0 };

	netlink_batch_init(&batch, bytes, sizeof(bytes));
	firewall_put_transaction(&batch, &change, skip, owners);
	CHECK(count_messages(&batch, messages, 16) == 7 && batch.last == 5 && owners[5] == 0 && owners[6] == 3, "a chain that is absent is left out");
}

/* A chain that loses a rule and gets another, and one that only loses. */
static void test_rules_that_go(void)
{
	static const char bytes_of_rule[8] = "a rule";
	struct firewall_rule rules[3] = { { .note = "old", .note_size = 3, .handle = 0x1122 }, { .expressions = bytes_of_rule, .size = 8, .note = "new", .note_size = 3 },
		{ .note = "other", .note_size = 5, .handle = 7 } };
	struct firewall_chain chains[2] = { { .operation = ELEMENT_ADD, .family = 1, .table = "warden", .name = "out-a", .rule_count = 2, .gone_count = 1 },
		{ .operation = ELEMENT_ADD, .family = 1, .table = "warden", .name = "out-b", .first_rule = 2, .rule_count = 1, .gone_count = 1 } };
	const struct firewall_change change = { .chains = chains, .chain_count = 2, .rules = rules, .rule_count = 3 };
	const struct nlmsghdr *messages[8];
	struct netlink_batch batch;

	netlink_batch_init(&batch, bytes, sizeof(bytes));
	firewall_put_transaction(&batch, &change, NULL, NULL);
	if (!CHECK(count_messages(&batch, messages, 8) == 6 && firewall_message_count(&change) >= 6, "made, one less, one more; and one less: six messages with the brackets"))
		return;
	static const uint8_t order[4] = { NFT_MSG_NEWCHAIN, NFT_MSG_DELRULE, NFT_MSG_NEWRULE, NFT_MSG_DELRULE };
	bool ordered = true;

	for (int i = 0; i < 4; i++)
		ordered &= (messages[i + 1]->nlmsg_type & 0xff) == order[i];
	CHECK(ordered, "a chain that only loses is not made");
	const struct nlattr *handle = find_in(messages[2], sizeof(struct nfgenmsg), NFTA_RULE_HANDLE);

	CHECK(handle != NULL && mnl_attr_get_payload_len(handle) == 8 && memcmp(mnl_attr_get_payload(handle), "\0\0\0\0\0\0\x11\x22", 8) == 0, "by the kernel's number, in network order");
	CHECK(find_in(messages[2], sizeof(struct nfgenmsg), NFTA_RULE_EXPRESSIONS) == NULL && find_in(messages[3], sizeof(struct nfgenmsg), NFTA_RULE_HANDLE) == NULL, "which a new one has not yet");
	const struct nlattr *note = find_in(messages[3], sizeof(struct nfgenmsg), NFTA_RULE_USERDATA);

	CHECK(note != NULL && mnl_attr_get_payload_len(note) == 3 && memcmp(mnl_attr_get_payload(note), "new", 3) == 0, "but a note");
}

static void test_largest_change(void)
{
	static char key[FIREWALL_VALUE_MAX], expressions[FIREWALL_RULE_MAX];
	struct firewall_element elements[16];
	struct firewall_chain chains[2];
	const struct firewall_rule largest = { .expressions = expressions, .size = sizeof(expressions), .note = expressions, .note_size = FIREWALL_NOTE_MAX };
	struct firewall_rule rules[3] = { largest, largest, { .expressions = expressions, .size = 1, .note = expressions, .note_size = 1 } };
	const struct firewall_change change = { .elements = elements, .element_count = 16, .chains = chains, .chain_count = 2, .rules = rules, .rule_count = 3 };
	struct netlink_batch batch;
	size_t size = firewall_batch_size(&change);

	for (int i = 0; i < 16; i++) {
		elements[i] = example_element(ELEMENT_ADD, key, sizeof(key));
		memset(elements[i].table, 't', FIREWALL_NAME_SIZE - 1);
		memset(elements[i].set, 's', FIREWALL_NAME_SIZE - 1);
		elements[i].key_end = elements[i].data = key;
		elements[i].key_end_size = elements[i].data_size = sizeof(key);
		if (i % 2 == 0) {
			elements[i].data_size = 0;
			memset(elements[i].jump, 'j', FIREWALL_NAME_SIZE - 1);
		}
	}
	for (int i = 0; i < 2; i++) {
		chains[i] = (struct firewall_chain){ .operation = ELEMENT_ENSURE, .family = 1, .first_rule = (size_t)(2 * i), .rule_count = (size_t)(2 - i) };
		memset(chains[i].table, 't', FIREWALL_NAME_SIZE - 1);
		memset(chains[i].name, 'c', FIREWALL_NAME_SIZE - 1);
	}
	if (!CHECK(size <= sizeof(bytes), "the buffer of this test is large enough"))
		return;
	netlink_batch_init(&batch, bytes, size);
	firewall_put_transaction(&batch, &change, NULL, NULL);
	CHECK(!batch.full, "the longest names, values and rules fit what firewall_batch_size() says");
}

/* What the kernel would tell of interface 7, with `size` bytes of counters that count up from 1. */
static const struct nlmsghdr *statistics_message(uint16_t type, size_t size)
{
	uint64_t counters[64];
	struct netlink_batch batch;

	for (uint64_t i = 0; i < 64; i++)
		counters[i] = i + 1;
	netlink_batch_init(&batch, bytes, sizeof(bytes));
	struct if_stats_msg *header = netlink_message(&batch, type, 0, sizeof(*header));

	header->ifindex = 7;
	netlink_put(&batch, IFLA_STATS_LINK_XSTATS, counters, sizeof(counters));
	netlink_put(&batch, IFLA_STATS_LINK_64, counters, size);
	return batch.message;
}

static void test_link_statistics(void)
{
	struct link_statistics statistics = { 0 };
	struct netlink_batch batch;

	netlink_batch_init(&batch, bytes, sizeof(bytes));
	link_statistics_put_question(&batch, 7);
	const struct if_stats_msg *question = mnl_nlmsg_get_payload(batch.message);

	CHECK(batch.message->nlmsg_type == RTM_GETSTATS && question->ifindex == 7 && question->filter_mask == 1, "only the counters of one link are asked for");
	netlink_batch_init(&batch, bytes, NLMSG_HDRLEN);
	link_statistics_put_question(&batch, 7);
	CHECK(batch.full, "a batch that is too small is marked");
	/* struct rtnl_link_stats64 begins with rx_packets, tx_packets, rx_bytes, tx_bytes. */
	CHECK(link_statistics_read_message(statistics_message(RTM_NEWSTATS, sizeof(struct rtnl_link_stats64)), 7, &statistics) && statistics.out_packets == 1 && statistics.in_packets == 2 &&
		statistics.out_bytes == 3 && statistics.in_bytes == 4, "what the host end received came from the container");
	CHECK(link_statistics_read_message(statistics_message(RTM_NEWSTATS, 512), 7, &statistics) && statistics.in_bytes == 4, "counters of a later kernel are left alone");
	CHECK(link_statistics_read_message(statistics_message(RTM_NEWSTATS, 32), 7, &statistics) && statistics.in_bytes == 4, "those of an earlier one are enough");
	CHECK(!link_statistics_read_message(statistics_message(RTM_NEWSTATS, 24), 7, &statistics), "fewer are not");
	CHECK(!link_statistics_read_message(statistics_message(RTM_NEWSTATS, 184), 8, &statistics), "another link's are not taken");
	CHECK(!link_statistics_read_message(statistics_message(RTM_NEWLINK, 184), 7, &statistics), "nor is another message");
}

int main(void)
{
	test_pair();
	test_container_end();
	test_small_batches();
	test_transaction();
	test_chains();
	test_rules_that_go();
	test_largest_change();
	test_link_statistics();
	return tap_end();
}
