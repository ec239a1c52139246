/*
 * A container in the firewall: two elements of sets, one for its packets and one for ARP, in one transaction
 * (../../docs/adr/0002-firewall-sets.md). The table has no hook, so it changes nobody's packets.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>

#include "floor/floor.h"
#include "floor/netlink.h"

static const char table[] = "warden_floor";
static const char *const sets[] = { "packets", "arp" };

/* interface name, Ethernet address padded, IPv4 address */
enum { KEY_SIZE = 16 + 8 + 4, FAMILY_INET = 1 };

static void begin(struct batch *batch)
{
	struct nfgenmsg header = { .nfgen_family = 0, .version = NFNETLINK_V0, .res_id = htons(NFNL_SUBSYS_NFTABLES) };

	batch_message(batch, NFNL_MSG_BATCH_BEGIN, 0, &header, sizeof(header));
}

static void end(struct batch *batch)
{
	struct nfgenmsg header = { .nfgen_family = 0, .version = NFNETLINK_V0, .res_id = htons(NFNL_SUBSYS_NFTABLES) };

	batch_acknowledge(batch);
	batch_message(batch, NFNL_MSG_BATCH_END, 0, &header, sizeof(header));
}

static void message(struct batch *batch, int type, uint16_t flags)
{
	struct nfgenmsg header = { .nfgen_family = FAMILY_INET, .version = NFNETLINK_V0 };

	batch_message(batch, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, &header, sizeof(header));
}

static void put_u32(struct batch *batch, uint16_t attribute, uint32_t value)
{
	value = htonl(value);
	batch_put(batch, attribute, &value, sizeof(value));
}

int firewall_create_table(int nft_fd, struct error *err)
{
	struct batch batch = { 0 };

	begin(&batch);
	message(&batch, NFT_MSG_NEWTABLE, NLM_F_CREATE);
	batch_put(&batch, NFTA_TABLE_NAME, table, sizeof(table));
	for (uint32_t i = 0; i < 2; i++) {
		message(&batch, NFT_MSG_NEWSET, NLM_F_CREATE);
		batch_put(&batch, NFTA_SET_TABLE, table, sizeof(table));
		batch_put(&batch, NFTA_SET_NAME, sets[i], strlen(sets[i]) + 1);
		put_u32(&batch, NFTA_SET_KEY_TYPE, 0);
		put_u32(&batch, NFTA_SET_KEY_LEN, KEY_SIZE);
		put_u32(&batch, NFTA_SET_ID, i + 1);
	}
	end(&batch);
	return batch_send(nft_fd, &batch, "nftables table warden_floor", err);
}

int firewall_delete_table(int nft_fd, struct error *err)
{
	struct batch batch = { 0 };

	begin(&batch);
	message(&batch, NFT_MSG_DELTABLE, 0);
	batch_put(&batch, NFTA_TABLE_NAME, table, sizeof(table));
	end(&batch);
	if (batch_send(nft_fd, &batch, "nftables table warden_floor", err) < 0 && err->number != ENOENT)
		return -1;
	return 0;
}

static void put_element(struct batch *batch, unsigned int index, const char *set, bool add)
{
	char key[KEY_SIZE] = { 0 };

	snprintf(key, 16, "wf-%u", index);
	memcpy(key + 16, &index, sizeof(index));
	memcpy(key + 24, &index, sizeof(index));
	message(batch, add ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM, add ? NLM_F_CREATE | NLM_F_EXCL : 0);
	batch_put(batch, NFTA_SET_ELEM_LIST_TABLE, table, sizeof(table));
	batch_put(batch, NFTA_SET_ELEM_LIST_SET, set, strlen(set) + 1);
	struct nlattr *elements = batch_nest(batch, NFTA_SET_ELEM_LIST_ELEMENTS);
	struct nlattr *element = batch_nest(batch, NFTA_LIST_ELEM);
	struct nlattr *value = batch_nest(batch, NFTA_SET_ELEM_KEY);

	batch_put(batch, NFTA_DATA_VALUE, key, sizeof(key));
	batch_end(batch, value);
	batch_end(batch, element);
	batch_end(batch, elements);
}

int firewall_change(const struct floor *floor, unsigned int index, bool add, struct error *err)
{
	struct batch batch = { 0 };

	begin(&batch);
	put_element(&batch, index, sets[0], add);
	put_element(&batch, index, sets[1], add);
	end(&batch);
	return batch_send(floor->nft_fd, &batch, "nftables elements", err);
}
