/*
 * Datagrams to the host's syslog, without ever waiting for it.
 *
 * The monitor's mount namespace holds nothing of the host, so it is given the socket's directory as a descriptor and finds the socket by name in it, anew
 * whenever the last one has gone. What the socket does not take at once waits in a queue of QUEUE_MAX bytes; what finds no room there is counted
 * and dropped, and so is all that comes after it until the queue is empty: then one line for each tag says how many were lost.
 */
#ifndef WARDEN_MONITOR_SYSLOG_H
#define WARDEN_MONITOR_SYSLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "monitor/description.h"
#include "monitor/loop.h"

/* facility user, RFC 3164 section 4.1.1 */
enum { SYSLOG_USER_ERROR = 11, SYSLOG_USER_WARNING = 12, SYSLOG_USER_INFO = 14 };

#define SYSLOG_TAG_MAX 64u

struct syslog_tag {
	struct syslog_tag *next;
	char name[SYSLOG_TAG_MAX + 1];
	uint32_t users;
	uint64_t dropped;         /* lines, of which nobody has been told yet */
};

struct syslog {
	struct loop *loop;
	int directory;            /* -1: there was none */
	char name[DESCRIPTION_MAX_SYSLOG_NAME + 1];
	struct source socket;     /* fd -1: not connected */
	struct timer again;
	int again_ms;
	int64_t tried_at;
	bool dropping;            /* until the queue is empty */
	uint8_t *queue;           /* NULL when empty: {u16 size, datagram}… from `head` on */
	size_t head;
	size_t size;
	struct syslog_tag *tags;
};

/* `name`: of the socket in the directory, at most DESCRIPTION_MAX_SYSLOG_NAME bytes; NULL when directory is -1. */
void syslog_init(struct syslog *syslog, struct loop *loop, int directory, const char *name);
/* The tag of that name; NULL without memory. Each is to be left again. */
struct syslog_tag *syslog_tag_enter(struct syslog *syslog, const char *name);
void syslog_tag_leave(struct syslog *syslog, struct syslog_tag *tag);
/* One line, as it is shown. */
void syslog_send(struct syslog *syslog, struct syslog_tag *tag, int priority, const char *text, size_t size);
/* Would a line be dropped now? Then it need not be made. */
bool syslog_drops(struct syslog *syslog);
void syslog_drop(struct syslog_tag *tag);

#endif
