#include "launcher/firewall.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/fd.h"
#include "lib/wire.h"

enum { SOCKET_CAPACITY = 8 << 20, MAX_ROUNDS = 8 };

int firewall_open(struct error *err)
{
	return netlink_open(NETLINK_NETFILTER, SOCKET_CAPACITY, err);
}

/* An item is an element of the change, or, numbered on behind them, a chain. */
struct transaction {
	const struct firewall_change *change;
	size_t item_count;
	const uint32_t *owners;    /* of each message the item it belongs to */
	uint8_t *skip;             /* by item */
	bool some_absent;          /* an item to delete was not there; it is marked in skip */
	struct netlink_answer failure;
	size_t failed;             /* its item; item_count: the transaction as a whole */
};

static bool is_deletion(const struct firewall_change *change, size_t item)
{
	return (item < change->element_count ? change->elements[item].operation : change->chains[item - change->element_count].operation) == ELEMENT_DELETE;
}

static bool take_answer(const struct netlink_answer *answer, void *context)
{
	struct transaction *transaction = context;

	if (answer->number == 0)
		return false;
	size_t item = transaction->owners[answer->index];

	if (item < transaction->item_count && is_deletion(transaction->change, item) && answer->number == ENOENT) {
		transaction->skip[item] = 1;
		transaction->some_absent = true;
	} else if (transaction->failure.number == 0) {
		transaction->failure = *answer;
		transaction->failed = item;
	}
	/* An error of the opening bracket is the transaction's (no right, no nf_tables, or its commit failed), and nothing else follows. */
	return answer->index == 0;
}

static int describe_failure(const struct transaction *transaction, struct error *err)
{
	const struct netlink_answer *answer = &transaction->failure;
	const struct firewall_change *change = transaction->change;
	const char *separator = answer->text[0] != '\0' ? ": " : "";

	if (transaction->failed == transaction->item_count)
		return error_set(err, answer->number, "nftables transaction%s%s", separator, answer->text);
	if (transaction->failed >= change->element_count) {
		const struct firewall_chain *chain = &change->chains[transaction->failed - change->element_count];

		return error_set(err, answer->number, "table %s, chain %s%s%s", chain->table, chain->name, separator, answer->text);
	}
	const struct firewall_element *element = &change->elements[transaction->failed];

	return error_set(err, answer->number, "element %zu, table %s, set %s%s%s", transaction->failed, element->table, element->set,
		separator, answer->text);
}

static size_t count_marked(const uint8_t *marks, size_t count)
{
	size_t marked = 0;

	for (size_t i = 0; i < count; i++)
		marked += marks[i];
	return marked;
}

/*
 * One failing message aborts a transaction. The kernel names every one that failed, so those that only wanted to delete something absent
 * are left out of the next round; more than two rounds need somebody else who deletes our elements meanwhile.
 */
int firewall_apply(int nfnetlink, const struct firewall_change *change, struct error *err)
{
	size_t item_count = change->element_count + change->chain_count;

	if (item_count == 0)
		return 0;
	if (change->element_count > FIREWALL_MAX_ELEMENTS || change->chain_count > FIREWALL_MAX_CHAINS || change->rule_count > FIREWALL_MAX_RULES)
		return error_set(err, E2BIG, "%zu elements, %zu chains, %zu rules; at most %d, %d, %d", change->element_count, change->chain_count,
			change->rule_count, FIREWALL_MAX_ELEMENTS, FIREWALL_MAX_CHAINS, FIREWALL_MAX_RULES);
	size_t size = firewall_batch_size(change), skipped = 0;
	_cleanup_free_ char *bytes = malloc(size);
	_cleanup_free_ uint8_t *skip = calloc(1, item_count);
	_cleanup_free_ uint32_t *owners = calloc(firewall_message_count(change), sizeof(*owners));

	if (bytes == NULL || skip == NULL || owners == NULL)
		return error_set(err, ENOMEM, "%zu elements and chains", item_count);
	if (firewall_find_gone(nfnetlink, change, err) < 0)
		return -1;
	for (int rounds = 0; rounds < MAX_ROUNDS && skipped < item_count; rounds++) {
		struct transaction transaction = { .change = change, .item_count = item_count, .owners = owners, .skip = skip };
		struct netlink_batch batch;

		netlink_batch_init(&batch, bytes, size);
		firewall_put_transaction(&batch, change, skip, owners);
		int result = netlink_exchange(nfnetlink, &batch, take_answer, &transaction);

		if (result < 0)
			return error_set(err, -result, "nftables transaction of %zu elements and chains", item_count);
		if (transaction.failure.number != 0)
			return describe_failure(&transaction, err);
		if (!transaction.some_absent)
			return 0;
		skipped = count_marked(skip, item_count);
	}
	return skipped == item_count ? 0 : error_set(err, EAGAIN, "elements were deleted by somebody else meanwhile");
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
	const struct firewall_change change = { .elements = reverse, .element_count = used };

	return firewall_apply(nfnetlink, &change, err);
}
