#include "monitor/syslog.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "lib/deadline.h"
#include "lib/fd.h"
#include "monitor/log-lines.h"

#define QUEUE_MAX (256u << 10)
#define AGAIN_FIRST_MS 100
#define AGAIN_LAST_MS 5000
#define MAX_LEFT_TAGS 64u
#define HEADER_MAX 128u
#define DATAGRAM_MAX (HEADER_MAX + LOG_TEXT_MAX)

enum sent { SENT, LATER, NEVER };

static void disconnect(struct syslog *syslog)
{
	if (syslog->socket.fd >= 0)
		loop_remove(syslog->loop, &syslog->socket);
	syslog->socket.fd = close_fd(syslog->socket.fd);
}

/* A socket that is made again gives no event that all monitors together could wait for: inotify has 128 instances for each user by default. */
static void try_again_later(struct syslog *syslog)
{
	if (syslog->again.at != 0)
		return;
	syslog->again.at = deadline_in_ms(syslog->again_ms);
	syslog->again_ms = syslog->again_ms * 2 < AGAIN_LAST_MS ? syslog->again_ms * 2 : AGAIN_LAST_MS;
}

static bool may_try(const struct syslog *syslog)
{
	return syslog->tried_at == 0 || clock_now_ms() - syslog->tried_at >= AGAIN_FIRST_MS;
}

static bool connect_socket(struct syslog *syslog)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct error ignored;

	if (!may_try(syslog))
		return false;
	syslog->tried_at = clock_now_ms();
	syslog->socket.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (syslog->socket.fd < 0)
		return false;
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", syslog->directory, syslog->name);
	if (connect(syslog->socket.fd, (struct sockaddr *)&address, sizeof(address)) < 0 || loop_add(syslog->loop, &syslog->socket, 0, &ignored) < 0) {
		syslog->socket.fd = close_fd(syslog->socket.fd);
		return false;
	}
	syslog->tried_at = 0;
	return true;
}

static enum sent transmit(struct syslog *syslog, const void *data, size_t size)
{
	/* A socket whose owner has gone is noticed here; there may be a new one. */
	for (int attempt = 0; attempt < 2; attempt++) {
		ssize_t count;

		if (syslog->socket.fd < 0 && !connect_socket(syslog))
			break;
		do
			count = send(syslog->socket.fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
		while (count < 0 && errno == EINTR);
		if (count >= 0) {
			syslog->again_ms = AGAIN_FIRST_MS;
			return SENT;
		}
		if (errno == EAGAIN) {
			loop_modify(syslog->loop, &syslog->socket, EPOLLOUT);
			return LATER;
		}
		if (errno == EMSGSIZE)
			return NEVER;
		disconnect(syslog);
	}
	try_again_later(syslog);
	return LATER;
}

static bool enqueue(struct syslog *syslog, const void *data, size_t size)
{
	uint16_t length = (uint16_t)size;

	if (syslog->dropping || syslog->size - syslog->head + sizeof(length) + size > QUEUE_MAX)
		return false;
	if (syslog->queue == NULL && (syslog->queue = malloc(QUEUE_MAX)) == NULL)
		return false;
	if (syslog->size + sizeof(length) + size > QUEUE_MAX) {
		memmove(syslog->queue, syslog->queue + syslog->head, syslog->size - syslog->head);
		syslog->size -= syslog->head;
		syslog->head = 0;
	}
	memcpy(syslog->queue + syslog->size, &length, sizeof(length));
	memcpy(syslog->queue + syslog->size + sizeof(length), data, size);
	syslog->size += sizeof(length) + size;
	return true;
}

static size_t put_header(char *ret_text, int priority, const char *tag)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	static time_t told;
	static struct tm local;
	time_t now = time(NULL);

	if (now != told) {
		localtime_r(&now, &local);
		told = now;
	}
	/* Without a host name, as programs write to a local socket: the syslog of this machine knows where it is. */
	int size = snprintf(ret_text, HEADER_MAX, "<%d>%.3s %2d %02d:%02d:%02d warden%s%s: ", priority, months + local.tm_mon * 3, local.tm_mday, local.tm_hour,
		local.tm_min, local.tm_sec, tag[0] != '\0' ? "." : "", tag);

	return (size_t)size;
}

void syslog_drop(struct syslog_tag *tag)
{
	tag->dropped++;
}

void syslog_send(struct syslog *syslog, struct syslog_tag *tag, int priority, const char *text, size_t size)
{
	char datagram[DATAGRAM_MAX];
	size_t length = put_header(datagram, priority, tag->name);

	memcpy(datagram + length, text, size);
	length += size;
	switch (syslog->queue != NULL ? LATER : transmit(syslog, datagram, length)) {
	case SENT:
		return;
	case LATER:
		if (enqueue(syslog, datagram, length))
			return;
		/* Without a queue nothing would ever end this. */
		syslog->dropping = syslog->queue != NULL;
		break;
	case NEVER:
		break;
	}
	syslog_drop(tag);
}

static void free_tag(struct syslog *syslog, struct syslog_tag *tag)
{
	struct syslog_tag **link = &syslog->tags;

	while (*link != tag)
		link = &(*link)->next;
	*link = tag->next;
	free(tag);
}

/* What the queue holds, and what was lost behind it, once there is room. */
static void tell_dropped(struct syslog *syslog)
{
	struct syslog_tag *next;
	char text[48];

	for (struct syslog_tag *tag = syslog->tags; tag != NULL; tag = next) {
		next = tag->next;
		if (tag->dropped > 0) {
			int size = snprintf(text, sizeof(text), "%llu lines dropped", (unsigned long long)tag->dropped);

			tag->dropped = 0;
			syslog_send(syslog, tag, SYSLOG_USER_WARNING, text, (size_t)size);
		}
		if (tag->users == 0 && tag->dropped == 0)
			free_tag(syslog, tag);
	}
}

static void flush(struct syslog *syslog)
{
	while (syslog->head < syslog->size) {
		uint16_t length;

		memcpy(&length, syslog->queue + syslog->head, sizeof(length));
		if (transmit(syslog, syslog->queue + syslog->head + sizeof(length), length) == LATER)
			return;
		syslog->head += sizeof(length) + length;
	}
	free(syslog->queue);
	syslog->queue = NULL;
	syslog->head = syslog->size = 0;
	syslog->dropping = false;
	if (syslog->socket.fd >= 0)
		loop_modify(syslog->loop, &syslog->socket, 0);
	tell_dropped(syslog);
}

bool syslog_drops(struct syslog *syslog)
{
	/* There never will be a socket: nothing is kept for it. */
	if (syslog->directory < 0)
		return true;
	/* The timer may be seconds away, and the socket be there again. */
	if (syslog->queue != NULL && syslog->socket.fd < 0 && may_try(syslog))
		flush(syslog);
	return syslog->dropping;
}

static void on_socket(struct source *source, uint32_t events)
{
	struct syslog *syslog = (struct syslog *)((char *)source - offsetof(struct syslog, socket));

	/* An error is reported until it is fetched; the next line finds out whether there is a new socket. */
	if (events & (EPOLLERR | EPOLLHUP))
		disconnect(syslog);
	if (syslog->queue != NULL)
		flush(syslog);
}

static void on_again(struct timer *timer)
{
	struct syslog *syslog = (struct syslog *)((char *)timer - offsetof(struct syslog, again));

	syslog->tried_at = 0;
	if (syslog->queue != NULL)
		flush(syslog);
}

void syslog_init(struct syslog *syslog, struct loop *loop, int directory, const char *name)
{
	*syslog = (struct syslog){ .loop = loop, .directory = directory, .again_ms = AGAIN_FIRST_MS, .socket = { .fd = -1, .ready = on_socket } };
	if (directory >= 0)
		snprintf(syslog->name, sizeof(syslog->name), "%s", name);
	syslog->again.expired = on_again;
	loop_add_timer(loop, &syslog->again);
}

struct syslog_tag *syslog_tag_enter(struct syslog *syslog, const char *name)
{
	struct syslog_tag *tag = syslog->tags;

	while (tag != NULL && strcmp(tag->name, name) != 0)
		tag = tag->next;
	if (tag == NULL) {
		tag = calloc(1, sizeof(*tag));
		if (tag == NULL)
			return NULL;
		snprintf(tag->name, sizeof(tag->name), "%s", name);
		tag->next = syslog->tags;
		syslog->tags = tag;
	}
	tag->users++;
	return tag;
}

void syslog_tag_leave(struct syslog *syslog, struct syslog_tag *tag)
{
	unsigned int left = 0;

	if (--tag->users > 0)
		return;
	/* Some whose losses could not be told yet are kept; with a syslog that never comes there is an end to that. */
	for (const struct syslog_tag *other = syslog->tags; other != NULL; other = other->next)
		left += other->users == 0;
	if (tag->dropped == 0 || left > MAX_LEFT_TAGS || syslog->directory < 0)
		free_tag(syslog, tag);
}
