#include "launcher/datagram.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "lib/codec.h"
#include "lib/fd.h"
#include "launcher/requests.h"
#include "launcher/steps.h"

/* What syslog takes in one piece; the service manager's messages are shorter. */
enum { DATAGRAM_MAX = 16 << 10 };

int datagram_send(const char *path, const void *data, size_t size, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = strlen(path);
	ssize_t count;

	if ((path[0] != '/' && path[0] != '@') || length < 2)
		return error_set(err, EINVAL, "%s", path);
	/* A name in the file system has its NUL as well. */
	if (length + (path[0] == '/') > sizeof(address.sun_path))
		return error_set(err, ENAMETOOLONG, "%s", path);
	memcpy(address.sun_path, path, length);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return error_set(err, errno, "socket");
	do
		count = sendto(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (path[0] == '/')));
	while (count < 0 && errno == EINTR);
	int result = count < 0 ? error_set(err, errno, "%s", path) : 0;

	close_fd(fd);
	return result;
}

struct order {
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 1];
	const void *data;
	size_t size;
};

static int read_attribute(void *context, const struct wire_attribute *attribute, struct error *err)
{
	struct order *order = context;

	if (attribute->tag == TAG_PATH)
		return wire_string_into(attribute, order->path, sizeof(order->path), err);
	if (attribute->tag == TAG_CONTENT) {
		order->data = attribute->data;
		order->size = attribute->size;
	}
	return 0;
}

void datagram_serve(struct launcher *launcher, uint32_t request, const void *body, size_t size)
{
	struct error err = { .step = STEP_SEND_DATAGRAM };
	struct order order = { 0 };
	int result = wire_read_all(body, size, read_attribute, &order, &err);

	if (result == 0 && (order.size == 0 || order.size > DATAGRAM_MAX))
		result = error_set(&err, EMSGSIZE, "%zu bytes", order.size);
	if (result == 0)
		result = datagram_send(order.path, order.data, order.size, &err);
	if (result < 0)
		answer_error(launcher, request, &err);
	else
		answer_ok(launcher, request);
}
