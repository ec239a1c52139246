/* Datagrams to unix sockets of this machine, which Node cannot send: to the service manager, sd_notify(3), and to syslog. */
#ifndef LAUNCHER_DATAGRAM_H
#define LAUNCHER_DATAGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"
#include "launcher/launcher.h"

/*
 * path: of the socket, absolute, or with `@` for the NUL of an abstract one. Never waits: a receiver that has no room loses it, EAGAIN.
 */
int datagram_send(const char *path, const void *data, size_t size, struct error *err);

/* DATAGRAM {PATH, CONTENT} */
void datagram_serve(struct launcher *launcher, uint32_t request, const void *body, size_t size);

#endif
