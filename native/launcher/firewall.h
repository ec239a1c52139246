/*
 * Elements of nftables sets and maps, added and deleted in one transaction over nfnetlink.
 *
 * The tables, chains and sets are wardend's; here is only what changes with a container. Elements are taken as the description
 * gives them: names and bytes. Interval sets must be of the concatenated kind (KEY and KEY_END); plain interval sets are not supported.
 */
#ifndef LAUNCHER_FIREWALL_H
#define LAUNCHER_FIREWALL_H

#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"
#include "launcher/netlink.h"

/* The kernel's limits: NFT_NAME_MAXLEN with its NUL, and NFT_DATA_VALUE_MAXLEN. */
enum { FIREWALL_NAME_SIZE = 256, FIREWALL_VALUE_MAX = 64, FIREWALL_MAX_ELEMENTS = 8192 };

/* key, key_end and data point into the description that the element was read from. */
struct firewall_element {
	uint32_t operation;             /* ELEMENT_* */
	uint8_t family;                 /* NFPROTO_* */
	char table[FIREWALL_NAME_SIZE];
	char set[FIREWALL_NAME_SIZE];
	const void *key, *key_end, *data;
	size_t key_size, key_end_size, data_size;   /* 0: absent */
};

/* Bytes of batch that `count` elements need at most. */
size_t firewall_batch_size(size_t count);

/* The messages of one transaction; leaves out those whose `skip` is set (NULL: none). */
void firewall_put_transaction(struct netlink_batch *batch, const struct firewall_element *elements, size_t count, const uint8_t *skip);

/*
 * All or nothing. Deleting what is absent, and ELEMENT_ENSURE of what is present, are no errors. The step is the caller's.
 * Errors: ENOENT no such table or set; EEXIST; EBUSY a map has other data for that key.
 */
int firewall_apply(int nfnetlink, const struct firewall_element *elements, size_t count, struct error *err);

/* Deletes what ELEMENT_ADD of these elements added. */
int firewall_undo(int nfnetlink, const struct firewall_element *elements, size_t count, struct error *err);

int firewall_open(struct error *err);

#endif
