#include "monitor/naming.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "monitor/connection.h"
#include "monitor/wshd-channel.h"

/* What wshd reads in one piece: a handle, and two small files. */
#define MAX_NAMING 4096u
/* HOST_NAME_MAX and a NUL. */
#define HOSTNAME_SIZE 65

static const char step[] = "name the container";
static const char dead[] = "PID 1 of the container is dead";

/* The packet for wshd has the same attributes but for the host name, which needs rights that wshd has given up. */
static int read_request(const struct frame *frame, uint32_t naming, struct wire_buffer *packet, char *ret_hostname, struct error *err)
{
	struct wire_reader reader;
	struct wire_attribute attribute;
	int result;

	*ret_hostname = '\0';
	wire_begin(packet, WIRE_RENAME);
	wire_put_u32(packet, TAG_REQUEST, naming);
	wire_reader_init(&reader, frame->body, frame->size);
	while ((result = wire_next(&reader, &attribute, err)) > 0) {
		if (attribute.tag == TAG_HOSTNAME && wire_string_into(&attribute, ret_hostname, HOSTNAME_SIZE, err) < 0)
			return -1;
		if (attribute.tag == TAG_HANDLE || attribute.tag == TAG_UPPER_FILE)
			wire_put_bytes(packet, attribute.tag, attribute.data, attribute.size);
	}
	if (result < 0 || wire_end(packet, err) < 0)
		return -1;
	if (*ret_hostname == '\0')
		return error_set(err, EINVAL, "no host name");
	return packet->size > MAX_NAMING ? error_set(err, E2BIG, "%zu bytes of names", packet->size) : 0;
}

/* The monitor stays in the namespace: it asks nobody for its own host name. */
static int set_hostname(const struct monitor *monitor, const char *hostname, struct error *err)
{
	if (setns(monitor->pidfd.fd, CLONE_NEWUTS) < 0)
		return error_set(err, errno, "the container's UTS namespace");
	if (sethostname(hostname, strlen(hostname)) < 0)
		return error_set(err, errno, "%s", hostname);
	return 0;
}

int naming_begin(struct connection *connection, const struct frame *frame, struct error *err)
{
	struct monitor *monitor = connection->monitor;
	struct wire_buffer packet = { 0 };
	char hostname[HOSTNAME_SIZE];
	int result = -1;

	err->step = step;
	if (monitor->dead || monitor->wshd.fd < 0)
		return error_set(err, ESRCH, "%s", dead);
	if (monitor->destroying || monitor->container.plain)
		return error_set(err, monitor->destroying ? ESHUTDOWN : EOPNOTSUPP, "the container is being destroyed, or is none");
	for (const struct connection *other = monitor->connections; other != NULL; other = other->next)
		if (other->phase == CONNECTION_NAMING)
			return error_set(err, EBUSY, "it is just being named");
	if (read_request(frame, ++monitor->naming, &packet, hostname, err) == 0 && set_hostname(monitor, hostname, err) == 0)
		result = wshd_channel_send(monitor, &packet, NULL, 0, err);
	wire_buffer_free(&packet);
	if (result == 0)
		return error_set(err, EAGAIN, "PID 1 of the container is busy");
	if (result < 0)
		return -1;
	connection->phase = CONNECTION_NAMING;
	connection_update(connection, false);
	return 0;
}

void naming_answered(struct monitor *monitor, uint32_t naming, uint32_t number, const char *detail)
{
	/* One whose client had no patience is not waited for any more, and not the answer to the next one. */
	if (naming != monitor->naming)
		return;
	for (struct connection *connection = monitor->connections; connection != NULL; connection = connection->next) {
		struct error problem = { .step = step };

		if (connection->phase != CONNECTION_NAMING)
			continue;
		if (number == 0) {
			connection_reply_ok(connection);
		} else {
			error_set(&problem, (int)number, "%s", detail);
			connection_reply_error(connection, &problem);
		}
		return;
	}
}

void naming_lost(struct monitor *monitor)
{
	naming_answered(monitor, monitor->naming, ESRCH, dead);
}
