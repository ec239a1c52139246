/* One client of run/monitor.sock: its frames, its queue of output, its phase. */
#ifndef WARDEN_MONITOR_CONNECTION_H
#define WARDEN_MONITOR_CONNECTION_H

#include "monitor/monitor.h"

/* Takes the socket over. */
int connection_open(struct monitor *monitor, int fd, struct error *err);
/* Closes and frees it. A job goes on without its follower. */
void connection_close(struct connection *connection);

/* Whether nothing is left of it in our buffers. */
bool connection_is_quiet(const struct connection *connection);
/* Frees all but the socket, which is the caller's then. */
int connection_detach(struct connection *connection);

/* The reply is complete: the next request may be read. */
void connection_reply_ok(struct connection *connection);
void connection_reply_error(struct connection *connection, const struct error *problem);
/* OK, after which the request goes on. */
void connection_begin_reply(struct connection *connection);
/* OK with the descriptor of a terminal, which stays the caller's. */
void connection_reply_terminal(struct connection *connection, int master);
/* False when the connection broke, and is gone. forgotten: it is told that the job is. */
bool connection_send_exit(struct connection *connection, const struct job *job, bool forgotten);
/* Ends the frame that was begun in connection->out, and sends what the socket takes. False: it was closed. */
bool connection_send(struct connection *connection);
/* Sets what the socket is watched for; `more`: EPOLLOUT although nothing is queued. */
void connection_update(struct connection *connection, bool more);

#endif
