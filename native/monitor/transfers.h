/*
 * TRANSFER: a client's connection is handed to the program `files`, which then works on the container's files for it.
 *
 * The program is a process of the host that is charged to the container: it is started in the container's cgroups, and joins the container's user and
 * mount namespaces itself (files/enter.c). The monitor only knows that it is there: it reaps it, kills it with the container, and some seconds
 * after its client has gone.
 */
#ifndef WARDEN_MONITOR_TRANSFERS_H
#define WARDEN_MONITOR_TRANSFERS_H

#include "monitor/monitor.h"

void transfers_init(struct monitor *monitor);
/* Takes the connection over when it succeeds. EAGAIN: too many; E2BIG: a request that is too long; EBADMSG: the client did not wait for the answer. */
int transfers_begin(struct connection *connection, const struct frame *frame, struct error *err);
/* All of them; they are reaped later. */
void transfers_kill(struct monitor *monitor);

#endif
