/* Which ports sockets of the host have (NETLINK_SOCK_DIAG, sock_diag(7)). */
#ifndef LAUNCHER_LISTENING_H
#define LAUNCHER_LISTENING_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"

/* For the network namespace it is opened in. */
int listening_open(struct error *err);

/*
 * Whether a socket of either family listens on that TCP port, or waits for datagrams of anybody on that UDP port, whatever its address. Sockets that are
 * connected do not count.
 */
int listening_find(int sock_diag, uint8_t protocol, uint16_t port, bool *ret_found, struct error *err);

#endif
