#include "monitor/accepting.h"

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>

#include "lib/deadline.h"
#include "lib/fd.h"
#include "monitor/connection.h"

#define AGAIN_MS 100

static void on_connection(struct source *source, uint32_t events)
{
	struct monitor *monitor = (struct monitor *)((char *)source - offsetof(struct monitor, listener));
	int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct error err;

	(void)events;
	if (fd < 0) {
		/* Without a descriptor for it, or memory, it stays in the queue, which would be ready again at once. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			loop_modify(&monitor->loop, source, 0);
			monitor->accept_again.at = deadline_in_ms(AGAIN_MS);
		}
		return;
	}
	if (monitor->connection_count >= monitor->connection_limit || connection_open(monitor, fd, &err) < 0)
		close_fd(fd);
}

static void on_again(struct timer *timer)
{
	struct monitor *monitor = (struct monitor *)((char *)timer - offsetof(struct monitor, accept_again));

	if (monitor->listener.fd >= 0)
		loop_modify(&monitor->loop, &monitor->listener, EPOLLIN);
}

int accepting_begin(struct monitor *monitor, int listener, uint32_t limit, struct error *err)
{
	monitor->connection_limit = limit;
	monitor->accept_again.expired = on_again;
	loop_add_timer(&monitor->loop, &monitor->accept_again);
	monitor->listener = (struct source){ .fd = listener, .ready = on_connection };
	return loop_add(&monitor->loop, &monitor->listener, EPOLLIN, err);
}
