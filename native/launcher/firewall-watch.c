#include "launcher/firewall-watch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/fd.h"
#include "launcher/netlink.h"

/* Flushing a large rule set is a message for each rule of it. */
enum { WATCH_CAPACITY = 8 << 20 };

/* The name of the table is the first attribute of tables, chains, rules, sets, lists of elements, objects and flow tables alike. */
enum { TABLE_OF_ANYTHING = 1 };
_Static_assert((int)NFTA_TABLE_NAME == TABLE_OF_ANYTHING && (int)NFTA_CHAIN_TABLE == TABLE_OF_ANYTHING && (int)NFTA_RULE_TABLE == TABLE_OF_ANYTHING &&
	(int)NFTA_SET_TABLE == TABLE_OF_ANYTHING && (int)NFTA_SET_ELEM_LIST_TABLE == TABLE_OF_ANYTHING && (int)NFTA_OBJ_TABLE == TABLE_OF_ANYTHING &&
	(int)NFTA_FLOWTABLE_TABLE == TABLE_OF_ANYTHING, "attribute of the table's name");

static bool is_of_table(const struct nlmsghdr *message, const char *table)
{
	const struct nfgenmsg *header = mnl_nlmsg_get_payload(message);
	const struct nlattr *name = netlink_find(message, sizeof(struct nfgenmsg), TABLE_OF_ANYTHING);
	size_t size = strlen(table) + 1;

	if (header->nfgen_family != NFPROTO_INET && header->nfgen_family != NFPROTO_ARP)
		return false;
	return name != NULL && mnl_attr_get_payload_len(name) == size && memcmp(mnl_attr_get_payload(name), table, size) == 0;
}

static void read_author(const struct nlmsghdr *message, uint32_t port, struct firewall_author *ret_author)
{
	const struct nlattr *pid = netlink_find(message, sizeof(struct nfgenmsg), NFTA_GEN_PROC_PID), *name = netlink_find(message, sizeof(struct nfgenmsg), NFTA_GEN_PROC_NAME);

	*ret_author = (struct firewall_author){ .port = port };
	if (pid != NULL && mnl_attr_get_payload_len(pid) == sizeof(uint32_t))
		ret_author->pid = ntohl(mnl_attr_get_u32(pid));
	if (name != NULL)
		snprintf(ret_author->name, sizeof(ret_author->name), "%.*s", (int)mnl_attr_get_payload_len(name), mnl_attr_get_str(name));
}

bool firewall_watch_read(const void *messages, size_t size, const char *table, struct firewall_transaction *transaction, struct firewall_author *ret_author)
{
	const struct nlmsghdr *message = messages;
	int left = (int)size;
	bool ended = false;

	for (; netlink_is_whole(message, left); message = mnl_nlmsg_next(message, &left)) {
		if (message->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES || mnl_nlmsg_get_payload_len(message) < sizeof(struct nfgenmsg))
			continue;
		if ((message->nlmsg_type & 0xff) != NFT_MSG_NEWGEN) {
			if (is_of_table(message, table))
				*transaction = (struct firewall_transaction){ .touched = true, .port = message->nlmsg_pid };
			continue;
		}
		if (transaction->touched) {
			read_author(message, transaction->port, ret_author);
			ended = true;
		}
		*transaction = (struct firewall_transaction){ 0 };
	}
	return ended;
}

/* The number is in host order in the message, and the filter's loads are in network order. One datagram has the messages of one transaction only. */
static int attach_filter(int fd, uint32_t own_port, struct error *err)
{
	struct sock_filter instructions[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_pid)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(own_port), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	const struct sock_fprog program = { .len = sizeof(instructions) / sizeof(instructions[0]), .filter = instructions };

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0)
		return error_set(err, errno, "socket filter");
	return 0;
}

int firewall_watch_open(int own, struct error *err)
{
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
	struct sockaddr_nl address = { .nl_family = AF_NETLINK }, own_address = { 0 };
	socklen_t size = sizeof(own_address);
	int group = NFNLGRP_NFTABLES, capacity = WATCH_CAPACITY;

	if (fd < 0)
		return error_set(err, errno, "nfnetlink socket");
	if (getsockname(own, (struct sockaddr *)&own_address, &size) < 0)
		return error_set(err, errno, "getsockname");
	if (attach_filter(fd, own_address.nl_pid, err) < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &capacity, sizeof(capacity)) < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		return error_set(err, errno, "nfnetlink group");
	return steal_fd(&fd);
}
