/*
 * Tells wardend when somebody else changes its tables: `nft flush ruleset`, a deleted chain, an element more or less.
 *
 * The kernel reports every transaction to the sockets of the group NFNLGRP_NFTABLES: a message for each change, and at last NEWGEN, which names the
 * process. A socket filter drops those of the launcher's own socket, so that a create wakes nobody. wardend is told once, and again
 * only when it has asked again: whatever comes in between is one event.
 */
#ifndef LAUNCHER_FIREWALL_WATCH_H
#define LAUNCHER_FIREWALL_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"

/* TASK_COMM_LEN of the kernel. */
enum { FIREWALL_PROCESS_NAME_SIZE = 16 };

/* Who made a transaction: netlink's number of its socket, mostly the process id; the process id; its name. */
struct firewall_author {
	uint32_t port;
	uint32_t pid;
	char name[FIREWALL_PROCESS_NAME_SIZE];
};

/* What has been read of a transaction so far. */
struct firewall_transaction {
	bool touched;   /* one of its changes is of the table */
	uint32_t port;
};

/*
 * Reads one datagram of messages. Returns true when a transaction that touched `table` (of family inet or arp) has ended in it; *ret_author is
 * that of the last one then.
 */
bool firewall_watch_read(const void *messages, size_t size, const char *table, struct firewall_transaction *transaction, struct firewall_author *ret_author);

/* A non-blocking socket of the group, which hears nothing of the transactions of `own`, a netlink socket. Returns it or -1. */
int firewall_watch_open(int own, struct error *err);

#endif
