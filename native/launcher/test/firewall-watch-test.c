/* What is read from the kernel's reports on transactions. */
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "launcher/firewall-watch.h"
#include "launcher/netlink.h"
#include "test/tap.h"

enum { STRANGER = 4711 };

static _Alignas(8) char bytes[4096];

static void put(struct netlink_batch *batch, uint16_t type, uint8_t family, const char *table)
{
	struct nfgenmsg *header = netlink_message(batch, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), 0, sizeof(*header));

	header->nfgen_family = family;
	batch->message->nlmsg_pid = STRANGER;
	if (table != NULL)
		netlink_put_string(batch, NFTA_TABLE_NAME, table);
}

static void put_end(struct netlink_batch *batch, const char *name)
{
	put(batch, NFT_MSG_NEWGEN, AF_UNSPEC, NULL);
	netlink_put_u32(batch, NFTA_GEN_ID, htonl(3));
	netlink_put_u32(batch, NFTA_GEN_PROC_PID, htonl(815));
	netlink_put_string(batch, NFTA_GEN_PROC_NAME, name);
}

static void test_transactions(void)
{
	struct firewall_transaction transaction = { 0 };
	struct firewall_author author;
	struct netlink_batch batch;

	netlink_batch_init(&batch, bytes, sizeof(bytes));
	put(&batch, NFT_MSG_DELTABLE, NFPROTO_INET, "another");
	put(&batch, NFT_MSG_DELRULE, NFPROTO_IPV4, "warden");
	put(&batch, NFT_MSG_NEWSET, NFPROTO_INET, "warden_2");
	put_end(&batch, "nft");
	CHECK(!firewall_watch_read(bytes, batch.used, "warden", &transaction, &author), "other tables, and one of that name in another family, are left alone");

	netlink_batch_init(&batch, bytes, sizeof(bytes));
	put(&batch, NFT_MSG_DELRULE, NFPROTO_ARP, "warden");
	CHECK(!firewall_watch_read(bytes, batch.used, "warden", &transaction, &author) && transaction.touched, "a transaction that has not ended is remembered");
	netlink_batch_init(&batch, bytes, sizeof(bytes));
	put(&batch, NFT_MSG_DELTABLE, NFPROTO_INET, "another");
	put_end(&batch, "nft");
	CHECK(firewall_watch_read(bytes, batch.used, "warden", &transaction, &author), "its end makes it known");
	CHECK(author.port == STRANGER && author.pid == 815 && strcmp(author.name, "nft") == 0, "with who it was");
	CHECK(!firewall_watch_read(bytes, batch.used, "warden", &transaction, &author), "the next one begins anew");

	netlink_batch_init(&batch, bytes, sizeof(bytes));
	put(&batch, NFT_MSG_NEWSETELEM, NFPROTO_INET, "warden");
	put_end(&batch, "a name that is far too long for a process");
	CHECK(firewall_watch_read(bytes, batch.used, "warden", &transaction, &author) && strlen(author.name) == FIREWALL_PROCESS_NAME_SIZE - 1, "a long name is cut");
}

static void test_damage(void)
{
	struct firewall_transaction transaction = { 0 };
	struct firewall_author author;
	struct netlink_batch batch;
	bool touched = false;

	netlink_batch_init(&batch, bytes, sizeof(bytes));
	put(&batch, NFT_MSG_NEWTABLE, NFPROTO_INET, "war");
	netlink_message(&batch, NFNL_SUBSYS_CTNETLINK << 8, 0, sizeof(struct nfgenmsg));
	netlink_message(&batch, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE, 0, 0);
	put(&batch, NFT_MSG_NEWGEN, AF_UNSPEC, NULL);
	for (size_t size = 0; size <= batch.used; size++)
		touched |= firewall_watch_read(bytes, size, "warden", &transaction, &author);
	((struct nlmsghdr *)bytes)->nlmsg_len = UINT32_MAX - 15;
	touched |= firewall_watch_read(bytes, batch.used, "warden", &transaction, &author);
	CHECK(!touched, "parts of messages, short ones and those of other subsystems are left alone");

	netlink_batch_init(&batch, bytes, sizeof(bytes));
	put(&batch, NFT_MSG_NEWTABLE, NFPROTO_INET, "warden");
	put(&batch, NFT_MSG_NEWGEN, AF_UNSPEC, NULL);
	CHECK(firewall_watch_read(bytes, batch.used, "warden", &transaction, &author) && author.pid == 0 && author.name[0] == '\0', "an end without a process is one");
}

int main(void)
{
	test_transactions();
	test_damage();
	return tap_end();
}
