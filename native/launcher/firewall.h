/*
 * Elements of nftables sets and maps, and chains with their rules, changed in one transaction over nfnetlink.
 *
 * Tables, hooked chains and sets are wardend's; here is only what changes with a container. Everything is taken as the message
 * gives it: names and bytes. Interval sets must be of the concatenated kind (KEY and KEY_END); plain interval sets are not supported.
 */
#ifndef LAUNCHER_FIREWALL_H
#define LAUNCHER_FIREWALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"
#include "launcher/netlink.h"

/* The kernel's limits: NFT_NAME_MAXLEN with its NUL, and NFT_DATA_VALUE_MAXLEN. */
enum { FIREWALL_NAME_SIZE = 256, FIREWALL_VALUE_MAX = 64, FIREWALL_MAX_ELEMENTS = 8192 };

/* Of an element's time. */
enum { FIREWALL_MAX_TIMEOUT_MS = 24 * 60 * 60 * 1000 };

/* With elements' they stay below NETLINK_MAX_MESSAGES. A rule of ours takes some 600 bytes. */
enum { FIREWALL_MAX_CHAINS = 1024, FIREWALL_MAX_RULES = 8192, FIREWALL_RULE_MAX = 4096 };

/* The kernel's limit (NFT_USERDATA_MAXLEN). */
enum { FIREWALL_NOTE_MAX = 256 };

/* key, key_end and data point into the description that the element was read from. */
struct firewall_element {
	uint32_t operation;             /* ELEMENT_* */
	uint8_t family;                 /* NFPROTO_* */
	char table[FIREWALL_NAME_SIZE];
	char set[FIREWALL_NAME_SIZE];
	const void *key, *key_end, *data;
	size_t key_size, key_end_size, data_size;   /* 0: absent */
	char jump[FIREWALL_NAME_SIZE];  /* a verdict map's data: jump to this chain; empty: none */
	uint64_t timeout_ms;            /* 0: none */
};

/* The contents of NFTA_RULE_EXPRESSIONS and NFTA_RULE_USERDATA. One that is to go has no expressions: it is that of its chain with this note. */
struct firewall_rule {
	const void *expressions;
	size_t size;
	const void *note;
	size_t note_size;               /* 0: none */
	uint64_t handle;                /* of one that is to go, as the kernel counts them */
};

struct firewall_chain {
	uint32_t operation;             /* ELEMENT_ENSURE: made when missing, and has these rules and no others; ELEMENT_ADD: these behind those it has; ELEMENT_DELETE */
	uint8_t family;
	char table[FIREWALL_NAME_SIZE];
	char name[FIREWALL_NAME_SIZE];
	size_t first_rule, rule_count;  /* among those of the change; of ELEMENT_ADD the first `gone_count` are to go */
	size_t gone_count;
};

/* Chains are made before elements are changed, which may jump to them, and deleted after that. Bytes are in the message they were read from. */
struct firewall_change {
	struct firewall_element *elements;
	size_t element_count;
	struct firewall_chain *chains;
	size_t chain_count;
	struct firewall_rule *rules;
	size_t rule_count;
};

/* Bytes of batch that a change needs at most, and messages. */
size_t firewall_batch_size(const struct firewall_change *change);
size_t firewall_message_count(const struct firewall_change *change);

/*
 * The messages of one transaction; leaves out items (elements, then chains) whose `skip` is set (NULL: none). *owners, of firewall_message_count(),
 * gets of each message its item; that of a bracket is the number of items.
 */
void firewall_put_transaction(struct netlink_batch *batch, const struct firewall_change *change, const uint8_t *skip, uint32_t *owners);

/*
 * All or nothing. Deleting what is absent, and ELEMENT_ENSURE of what is present, are no errors. The step is the caller's.
 * Errors: ENOENT no such table or set, or no single rule with that note; EEXIST; EBUSY a map has other data for that key, or a chain is still jumped to.
 */
int firewall_apply(int nfnetlink, const struct firewall_change *change, struct error *err);

/* Rules of one chain whose handles are to be found. */
struct firewall_search {
	struct firewall_rule *rules;
	size_t count;
	bool ambiguous;                 /* there are two with the same note */
};

/* Takes the kernel's message about a rule; what is none, or has no note, is left alone. */
void firewall_search_take(const struct nlmsghdr *message, void *search);

/* Finds the handles of the rules that are to go. ENOENT: a chain has none with that note, or several. */
int firewall_find_gone(int nfnetlink, const struct firewall_change *change, struct error *err);

/* Deletes what ELEMENT_ADD of these elements added. */
int firewall_undo(int nfnetlink, const struct firewall_element *elements, size_t count, struct error *err);

int firewall_open(struct error *err);

#endif
