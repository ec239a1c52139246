#include <errno.h>
#include <sys/epoll.h>

#include "lib/fd.h"
#include "launcher/launcher.h"

int watch_add(struct launcher *launcher, struct watch *watch, uint32_t events, struct error *err)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	if (epoll_ctl(launcher->epoll, EPOLL_CTL_ADD, watch->fd, &event) < 0)
		return error_set(err, errno, "epoll");
	watch->events = events;
	return 0;
}

/* Changing what is in the set already cannot fail but for a mistake of ours. */
void watch_change(struct launcher *launcher, struct watch *watch, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	if (watch->events == events)
		return;
	if (epoll_ctl(launcher->epoll, EPOLL_CTL_MOD, watch->fd, &event) < 0)
		abort();
	watch->events = events;
}

void watch_close(struct launcher *launcher, struct watch *watch)
{
	if (watch->fd < 0)
		return;
	/* Explicitly: a close alone leaves it in the set as long as a copy of the descriptor lives elsewhere. */
	epoll_ctl(launcher->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
	watch->fd = close_fd(watch->fd);
}
