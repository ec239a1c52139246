/* A change of the firewall in netlink messages. */
#include <arpa/inet.h>
#include <endian.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "lib/wire.h"
#include "launcher/firewall.h"

enum {
	BRACKETS = 2,
	/* Creating a chain and emptying it. */
	CHAIN_MESSAGES = 2,
	HEADERS_SIZE = 256,
	/* Headers and attribute headers of one message, generously; then names and values. */
	ELEMENT_SIZE = 200 + 3 * FIREWALL_NAME_SIZE + 3 * FIREWALL_VALUE_MAX,
	NAMED_SIZE = 80 + 2 * FIREWALL_NAME_SIZE,
};

size_t firewall_message_count(const struct firewall_change *change)
{
	return BRACKETS + change->element_count + CHAIN_MESSAGES * change->chain_count + change->rule_count;
}

size_t firewall_batch_size(const struct firewall_change *change)
{
	size_t size = HEADERS_SIZE + change->element_count * ELEMENT_SIZE + (CHAIN_MESSAGES * change->chain_count + change->rule_count) * NAMED_SIZE;

	for (size_t i = 0; i < change->rule_count; i++)
		size += MNL_ALIGN(change->rules[i].size) + MNL_ATTR_HDRLEN + MNL_ALIGN(change->rules[i].note_size);
	return size;
}

static void put_header(struct netlink_batch *batch, uint16_t type, uint16_t flags, uint8_t family, uint16_t resource)
{
	struct nfgenmsg *header = netlink_message(batch, type, flags, sizeof(*header));

	if (header == NULL)
		return;
	header->nfgen_family = family;
	header->version = NFNETLINK_V0;
	header->res_id = htons(resource);
}

static void begin(struct netlink_batch *batch, uint16_t message, uint16_t flags, uint8_t family)
{
	put_header(batch, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | message), flags, family, 0);
}

static void put_value(struct netlink_batch *batch, uint16_t attribute, const void *value, size_t size)
{
	if (size == 0)
		return;
	struct nlattr *nest = netlink_nest(batch, attribute);

	netlink_put(batch, NFTA_DATA_VALUE, value, size);
	netlink_nest_end(batch, nest);
}

static void put_jump(struct netlink_batch *batch, uint16_t attribute, const char *chain)
{
	struct nlattr *nest = netlink_nest(batch, attribute);
	struct nlattr *verdict = netlink_nest(batch, NFTA_DATA_VERDICT);

	netlink_put_u32(batch, NFTA_VERDICT_CODE, htonl((uint32_t)NFT_JUMP));
	netlink_put_string(batch, NFTA_VERDICT_CHAIN, chain);
	netlink_nest_end(batch, verdict);
	netlink_nest_end(batch, nest);
}

static void put_timeout(struct netlink_batch *batch, uint64_t timeout_ms)
{
	uint64_t value = htobe64(timeout_ms);

	if (timeout_ms != 0)
		netlink_put(batch, NFTA_SET_ELEM_TIMEOUT, &value, sizeof(value));
}

static void put_element(struct netlink_batch *batch, const struct firewall_element *element)
{
	switch (element->operation) {
	case ELEMENT_DELETE:
		begin(batch, NFT_MSG_DELSETELEM, 0, element->family);
		break;
	case ELEMENT_ADD:
		begin(batch, NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL, element->family);
		break;
	default:   /* without EXCL the kernel takes an equal element that is present for success */
		begin(batch, NFT_MSG_NEWSETELEM, NLM_F_CREATE, element->family);
		break;
	}
	netlink_put_string(batch, NFTA_SET_ELEM_LIST_TABLE, element->table);
	netlink_put_string(batch, NFTA_SET_ELEM_LIST_SET, element->set);

	struct nlattr *list = netlink_nest(batch, NFTA_SET_ELEM_LIST_ELEMENTS);
	struct nlattr *item = netlink_nest(batch, NFTA_LIST_ELEM);

	put_value(batch, NFTA_SET_ELEM_KEY, element->key, element->key_size);
	put_value(batch, NFTA_SET_ELEM_KEY_END, element->key_end, element->key_end_size);
	if (element->operation != ELEMENT_DELETE) {
		put_value(batch, NFTA_SET_ELEM_DATA, element->data, element->data_size);
		if (element->jump[0] != '\0')
			put_jump(batch, NFTA_SET_ELEM_DATA, element->jump);
		put_timeout(batch, element->timeout_ms);
	}
	netlink_nest_end(batch, item);
	netlink_nest_end(batch, list);
}

/* Chain and rule messages have other numbers for the same two names. */
static void put_chain(struct netlink_batch *batch, uint16_t message, uint16_t flags, const struct firewall_chain *chain)
{
	begin(batch, message, flags, chain->family);
	netlink_put_string(batch, NFTA_CHAIN_TABLE, chain->table);
	netlink_put_string(batch, NFTA_CHAIN_NAME, chain->name);
}

static void put_rule(struct netlink_batch *batch, uint16_t message, uint16_t flags, const struct firewall_chain *chain, const struct firewall_rule *rule)
{
	begin(batch, message, flags, chain->family);
	netlink_put_string(batch, NFTA_RULE_TABLE, chain->table);
	netlink_put_string(batch, NFTA_RULE_CHAIN, chain->name);
	if (rule == NULL)
		return;
	if (rule->expressions == NULL) {
		uint64_t handle = htobe64(rule->handle);

		netlink_put(batch, NFTA_RULE_HANDLE, &handle, sizeof(handle));
		return;
	}
	netlink_put(batch, NFTA_RULE_EXPRESSIONS | NLA_F_NESTED, rule->expressions, rule->size);
	if (rule->note_size != 0)
		netlink_put(batch, NFTA_RULE_USERDATA, rule->note, rule->note_size);
}

static void own(const struct netlink_batch *batch, uint32_t *owners, size_t item)
{
	if (owners != NULL)
		owners[batch->count] = (uint32_t)item;
}

/* Deleting rules of a chain without naming one empties it. */
static void put_filled_chain(struct netlink_batch *batch, const struct firewall_change *change, const struct firewall_chain *chain, uint32_t *owners, size_t item)
{
	bool only_loses = chain->gone_count != 0 && chain->gone_count == chain->rule_count;

	if (!only_loses) {
		own(batch, owners, item);
		put_chain(batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE, chain);
	}
	if (chain->operation != ELEMENT_ADD) {
		own(batch, owners, item);
		put_rule(batch, NFT_MSG_DELRULE, 0, chain, NULL);
	}
	for (size_t i = 0; i < chain->rule_count; i++) {
		bool goes = i < chain->gone_count;

		own(batch, owners, item);
		put_rule(batch, goes ? NFT_MSG_DELRULE : NFT_MSG_NEWRULE, goes ? 0 : NLM_F_CREATE | NLM_F_APPEND, chain, &change->rules[chain->first_rule + i]);
	}
}

void firewall_put_transaction(struct netlink_batch *batch, const struct firewall_change *change, const uint8_t *skip, uint32_t *owners)
{
	size_t item_count = change->element_count + change->chain_count;

	own(batch, owners, item_count);
	put_header(batch, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	for (size_t i = 0; i < change->chain_count; i++)
		if (change->chains[i].operation != ELEMENT_DELETE)
			put_filled_chain(batch, change, &change->chains[i], owners, change->element_count + i);
	for (size_t i = 0; i < change->element_count; i++) {
		if (skip != NULL && skip[i])
			continue;
		own(batch, owners, i);
		put_element(batch, &change->elements[i]);
	}
	for (size_t i = 0, item = change->element_count; i < change->chain_count; i++, item++) {
		if (change->chains[i].operation != ELEMENT_DELETE || (skip != NULL && skip[item]))
			continue;
		own(batch, owners, item);
		put_chain(batch, NFT_MSG_DELCHAIN, 0, &change->chains[i]);
	}
	/* The last item, not the bracket, asks for the acknowledgement: brackets have none before Linux 6.10. */
	netlink_acknowledge(batch);
	own(batch, owners, item_count);
	put_header(batch, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
}
