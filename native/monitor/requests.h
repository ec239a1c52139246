/* The requests of docs/native.md, one function each. */
#ifndef WARDEN_MONITOR_REQUESTS_H
#define WARDEN_MONITOR_REQUESTS_H

#include "monitor/monitor.h"

/* Answers, or leaves the connection in the phase in which the answer comes later; may close it. */
void requests_serve(struct connection *connection, const struct frame *frame);

#endif
