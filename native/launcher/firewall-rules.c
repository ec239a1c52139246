/* Rules that chains have: which is the one with a note. The kernel deletes rules by numbers that it has given them. */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "lib/wire.h"
#include "launcher/firewall.h"

enum { QUESTION_SIZE = 64 + 2 * FIREWALL_NAME_SIZE };

void firewall_search_take(const struct nlmsghdr *message, void *context)
{
	struct firewall_search *search = context;
	const struct nlattr *note, *handle;
	uint64_t value;

	if (message->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE))
		return;
	note = netlink_find(message, sizeof(struct nfgenmsg), NFTA_RULE_USERDATA);
	handle = netlink_find(message, sizeof(struct nfgenmsg), NFTA_RULE_HANDLE);
	if (note == NULL || handle == NULL || mnl_attr_get_payload_len(handle) != sizeof(value))
		return;
	memcpy(&value, mnl_attr_get_payload(handle), sizeof(value));
	for (size_t i = 0; i < search->count; i++) {
		struct firewall_rule *rule = &search->rules[i];

		if (mnl_attr_get_payload_len(note) != rule->note_size || memcmp(mnl_attr_get_payload(note), rule->note, rule->note_size) != 0)
			continue;
		search->ambiguous |= rule->handle != 0;
		rule->handle = be64toh(value);
	}
}

static int find_in_chain(int nfnetlink, const struct firewall_chain *chain, struct firewall_search *search)
{
	_Alignas(struct nlmsghdr) char bytes[QUESTION_SIZE];
	struct netlink_batch batch;

	netlink_batch_init(&batch, bytes, sizeof(bytes));
	struct nfgenmsg *header = netlink_message(&batch, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETRULE, NLM_F_DUMP, sizeof(*header));

	if (header == NULL)
		return -E2BIG;
	header->nfgen_family = chain->family;
	header->version = NFNETLINK_V0;
	netlink_put_string(&batch, NFTA_RULE_TABLE, chain->table);
	netlink_put_string(&batch, NFTA_RULE_CHAIN, chain->name);
	return netlink_dump(nfnetlink, &batch, firewall_search_take, search);
}

int firewall_find_gone(int nfnetlink, const struct firewall_change *change, struct error *err)
{
	for (size_t i = 0; i < change->chain_count; i++) {
		const struct firewall_chain *chain = &change->chains[i];
		struct firewall_search search = { .rules = change->rules + chain->first_rule, .count = chain->gone_count };

		if (search.count == 0)
			continue;
		int result = find_in_chain(nfnetlink, chain, &search);

		if (result < 0)
			return error_set(err, -result, "rules of table %s, chain %s", chain->table, chain->name);
		for (size_t rule = 0; rule < search.count && !search.ambiguous; rule++)
			search.ambiguous = search.rules[rule].handle == 0;
		if (search.ambiguous)
			return error_set(err, ENOENT, "table %s, chain %s: no single rule with such a note", chain->table, chain->name);
	}
	return 0;
}
