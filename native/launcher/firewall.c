#include "launcher/firewall.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fd.h"
#include "lib/wire.h"

enum {
	HEADERS_SIZE = 256,
	/* Headers and attribute headers of one element, generously; then names and values. */
	ELEMENT_SIZE = 160 + 2 * FIREWALL_NAME_SIZE + 3 * FIREWALL_VALUE_MAX,
	SOCKET_CAPACITY = 8 << 20,
	MAX_ROUNDS = 8,
};

/* Messages 0 and count+1 of a transaction are its brackets. */
enum { FIRST_ELEMENT = 1 };

size_t firewall_batch_size(size_t count)
{
	return HEADERS_SIZE + count * ELEMENT_SIZE;
}

int firewall_open(struct error *err)
{
	int fd = netlink_open(NETLINK_NETFILTER, SOCKET_CAPACITY);

	return fd < 0 ? error_set(err, -fd, "nfnetlink socket") : fd;
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

static void put_value(struct netlink_batch *batch, uint16_t attribute, const void *value, size_t size)
{
	if (size == 0)
		return;
	struct nlattr *nest = netlink_nest(batch, attribute);

	netlink_put(batch, NFTA_DATA_VALUE, value, size);
	netlink_nest_end(batch, nest);
}

static void put_element(struct netlink_batch *batch, const struct firewall_element *element)
{
	uint16_t type = NFNL_SUBSYS_NFTABLES << 8, flags = 0;

	switch (element->operation) {
	case ELEMENT_DELETE:
		type |= NFT_MSG_DELSETELEM;
		break;
	case ELEMENT_ADD:
		type |= NFT_MSG_NEWSETELEM;
		flags = NLM_F_CREATE | NLM_F_EXCL;
		break;
	default:   /* without EXCL the kernel takes an equal element that is present for success */
		type |= NFT_MSG_NEWSETELEM;
		flags = NLM_F_CREATE;
		break;
	}
	put_header(batch, type, flags, element->family, 0);
	netlink_put_string(batch, NFTA_SET_ELEM_LIST_TABLE, element->table);
	netlink_put_string(batch, NFTA_SET_ELEM_LIST_SET, element->set);

	struct nlattr *list = netlink_nest(batch, NFTA_SET_ELEM_LIST_ELEMENTS);
	struct nlattr *item = netlink_nest(batch, NFTA_LIST_ELEM);

	put_value(batch, NFTA_SET_ELEM_KEY, element->key, element->key_size);
	put_value(batch, NFTA_SET_ELEM_KEY_END, element->key_end, element->key_end_size);
	if (element->operation != ELEMENT_DELETE)
		put_value(batch, NFTA_SET_ELEM_DATA, element->data, element->data_size);
	netlink_nest_end(batch, item);
	netlink_nest_end(batch, list);
}

/* An element that is skipped keeps its place as nothing at all: its index is found by counting, see element_of_message(). */
void firewall_put_transaction(struct netlink_batch *batch, const struct firewall_element *elements, size_t count, const uint8_t *skip)
{
	put_header(batch, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	for (size_t i = 0; i < count; i++)
		if (skip == NULL || !skip[i])
			put_element(batch, &elements[i]);
	/* The last element, not the bracket, asks for the acknowledgement: brackets have none before Linux 6.10. */
	netlink_acknowledge(batch);
	put_header(batch, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
}

struct transaction {
	const struct firewall_element *elements;
	size_t count;
	uint8_t *skip;
	bool some_absent;          /* an element to delete was not there; it is marked in skip */
	struct netlink_answer failure;
	size_t failed;             /* its element; count: the transaction as a whole */
};

static size_t element_of_message(const struct transaction *transaction, const uint8_t *skipped_before, uint32_t index)
{
	uint32_t message = FIRST_ELEMENT;

	for (size_t i = 0; i < transaction->count; i++)
		if (!skipped_before[i] && message++ == index)
			return i;
	return transaction->count;
}

struct round {
	struct transaction *transaction;
	const uint8_t *skipped_before;
};

static bool take_answer(const struct netlink_answer *answer, void *context)
{
	struct round *round = context;
	struct transaction *transaction = round->transaction;

	if (answer->number == 0)
		return false;
	size_t index = element_of_message(transaction, round->skipped_before, answer->index);

	if (index < transaction->count && transaction->elements[index].operation == ELEMENT_DELETE && answer->number == ENOENT) {
		transaction->skip[index] = 1;
		transaction->some_absent = true;
	} else if (transaction->failure.number == 0) {
		transaction->failure = *answer;
		transaction->failed = index;
	}
	/* An error of the opening bracket is the transaction's (no right, no nf_tables, or its commit failed), and nothing else follows. */
	return answer->index < FIRST_ELEMENT;
}

static int describe_failure(const struct transaction *transaction, struct error *err)
{
	const struct netlink_answer *answer = &transaction->failure;
	const char *separator = answer->text[0] != '\0' ? ": " : "";

	if (transaction->failed == transaction->count)
		return error_set(err, answer->number, "nftables transaction%s%s", separator, answer->text);
	const struct firewall_element *element = &transaction->elements[transaction->failed];

	return error_set(err, answer->number, "element %zu, table %s, set %s%s%s", transaction->failed, element->table, element->set,
		separator, answer->text);
}

/*
 * One failing message aborts a transaction. The kernel names every one that failed, so those that only wanted to delete something absent
 * are left out of the next round; more than two rounds need somebody else who deletes our elements meanwhile.
 */
int firewall_apply(int nfnetlink, const struct firewall_element *elements, size_t count, struct error *err)
{
	if (count == 0)
		return 0;
	if (count > FIREWALL_MAX_ELEMENTS)
		return error_set(err, E2BIG, "%zu elements, at most %d", count, FIREWALL_MAX_ELEMENTS);
	size_t size = firewall_batch_size(count), skipped = 0;
	_cleanup_free_ char *bytes = malloc(size);
	_cleanup_free_ uint8_t *skip = calloc(2, count);

	if (bytes == NULL || skip == NULL)
		return error_set(err, ENOMEM, "%zu elements", count);
	uint8_t *skipped_before = skip + count;

	for (int rounds = 0; rounds < MAX_ROUNDS && skipped < count; rounds++) {
		struct transaction transaction = { .elements = elements, .count = count, .skip = skip };
		struct round round = { &transaction, skipped_before };
		struct netlink_batch batch;

		memcpy(skipped_before, skip, count);
		netlink_batch_init(&batch, bytes, size);
		firewall_put_transaction(&batch, elements, count, skip);
		int result = netlink_exchange(nfnetlink, &batch, take_answer, &round);

		if (result < 0)
			return error_set(err, -result, "nftables transaction of %zu elements", count);
		if (transaction.failure.number != 0)
			return describe_failure(&transaction, err);
		if (!transaction.some_absent)
			return 0;
		skipped = 0;
		for (size_t i = 0; i < count; i++)
			skipped += skip[i];
	}
	return skipped == count ? 0 : error_set(err, EAGAIN, "elements were deleted by somebody else meanwhile");
}

int firewall_undo(int nfnetlink, const struct firewall_element *elements, size_t count, struct error *err)
{
	_cleanup_free_ struct firewall_element *reverse = calloc(count + 1, sizeof(*reverse));
	size_t used = 0;

	if (reverse == NULL)
		return error_set(err, ENOMEM, "%zu elements", count);
	for (size_t i = count; i > 0; i--) {
		if (elements[i - 1].operation != ELEMENT_ADD)
			continue;
		reverse[used] = elements[i - 1];
		reverse[used++].operation = ELEMENT_DELETE;
	}
	return firewall_apply(nfnetlink, reverse, used, err);
}
