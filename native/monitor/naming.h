/*
 * NAME: a container in which nothing runs yet is called otherwise: host name, title of PID 1, and files that say so. What was made in advance is
 * given to a client with a handle of its own that way.
 */
#ifndef WARDEN_NAMING_H
#define WARDEN_NAMING_H

#include "monitor/monitor.h"

/* The reply comes when wshd has done its part. */
int naming_begin(struct connection *connection, const struct frame *frame, struct error *err);
/* wshd has; naming: the number of the RENAME, number: an errno, 0 when it could. */
void naming_answered(struct monitor *monitor, uint32_t naming, uint32_t number, const char *detail);
/* PID 1 is dead. */
void naming_lost(struct monitor *monitor);

#endif
