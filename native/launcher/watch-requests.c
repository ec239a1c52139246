#include "launcher/watch-requests.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "lib/codec.h"
#include "launcher/steps.h"

enum {
	DATAGRAM_SIZE = 128 << 10,
	/* Then others have their turn. */
	DATAGRAMS_AT_ONCE = 64,
};

static void tell(struct launcher *launcher)
{
	struct firewall_events *events = &launcher->firewall_events;
	const struct firewall_author *author = &events->author;

	events->asked = events->pending = false;
	wire_begin(&launcher->output, WIRE_EVENT);
	wire_put_u32(&launcher->output, TAG_EVENT, EVENT_FIREWALL_CHANGED);
	if (!events->several) {
		wire_put_u32(&launcher->output, TAG_AUTHOR_PORT, author->port);
		wire_put_u32(&launcher->output, TAG_AUTHOR_PID, author->pid);
		wire_put_string(&launcher->output, TAG_AUTHOR_NAME, author->name);
	}
	events->several = false;
	answer_send(launcher);
}

/* NULL: it is not known who it was. */
static void note(struct firewall_events *events, const struct firewall_author *author)
{
	events->several |= events->pending || author == NULL;
	events->pending = true;
	if (author != NULL)
		events->author = *author;
}

static void on_events(struct launcher *launcher, struct watch *watch, uint32_t flags)
{
	static _Alignas(8) char datagram[DATAGRAM_SIZE];
	struct firewall_events *events = &launcher->firewall_events;

	(void)flags;
	for (int count = 0; count < DATAGRAMS_AT_ONCE; count++) {
		struct firewall_author author;
		ssize_t size = recv(watch->fd, datagram, sizeof(datagram), MSG_DONTWAIT | MSG_TRUNC);

		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0 && errno != ENOBUFS)
			break;
		if (size < 0 || size > (ssize_t)sizeof(datagram))
			note(events, NULL);   /* more than the socket holds, or this buffer */
		else if (firewall_watch_read(datagram, (size_t)size, events->table, &events->transaction, &author))
			note(events, &author);
	}
	if (events->pending && events->asked)
		tell(launcher);
}

static int read_table(void *context, const struct wire_attribute *attribute, struct error *err)
{
	char *table = context;

	return attribute->tag == TAG_TABLE ? wire_string_into(attribute, table, FIREWALL_NAME_SIZE, err) : 0;
}

static int begin(struct launcher *launcher, const void *body, size_t size, struct error *err)
{
	struct firewall_events *events = &launcher->firewall_events;
	char table[FIREWALL_NAME_SIZE] = "";

	if (wire_read_all(body, size, read_table, table, err) < 0)
		return -1;
	if (table[0] == '\0')
		return error_set(err, EINVAL, "no table");
	if (events->watch.fd >= 0)
		return strcmp(table, events->table) == 0 ? 0 : error_set(err, EBUSY, "table %s is watched", events->table);
	memcpy(events->table, table, sizeof(table));
	events->watch.ready = on_events;
	events->watch.fd = firewall_watch_open(launcher->host.nfnetlink, err);
	if (events->watch.fd < 0)
		return -1;
	if (watch_add(launcher, &events->watch, EPOLLIN, err) == 0)
		return 0;
	watch_close(launcher, &events->watch);
	return -1;
}

void watch_firewall_begin(struct launcher *launcher, uint32_t request, const void *body, size_t size)
{
	struct error err = { .step = STEP_WATCH_FIREWALL };

	if (begin(launcher, body, size, &err) < 0) {
		answer_error(launcher, request, &err);
		return;
	}
	launcher->firewall_events.asked = true;
	answer_ok(launcher, request);
	if (launcher->firewall_events.pending)
		tell(launcher);
}
