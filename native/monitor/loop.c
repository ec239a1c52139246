#include "monitor/loop.h"

#include <errno.h>

#include "lib/deadline.h"

int loop_init(struct loop *loop, struct error *err)
{
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	loop->done = false;
	loop->timers = NULL;
	return loop->epoll < 0 ? error_set(err, errno, "epoll") : 0;
}

int loop_add(struct loop *loop, struct source *source, uint32_t events, struct error *err)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, source->fd, &event) < 0)
		return error_set(err, errno, "epoll_ctl");
	return 0;
}

void loop_modify(struct loop *loop, struct source *source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	/* Cannot fail for a descriptor that is there: no memory is needed. */
	epoll_ctl(loop->epoll, EPOLL_CTL_MOD, source->fd, &event);
}

void loop_remove(struct loop *loop, struct source *source)
{
	epoll_ctl(loop->epoll, EPOLL_CTL_DEL, source->fd, NULL);
}

void loop_add_timer(struct loop *loop, struct timer *timer)
{
	timer->at = 0;
	timer->next = loop->timers;
	loop->timers = timer;
}

static int next_timeout(const struct loop *loop)
{
	int timeout = -1;

	for (const struct timer *timer = loop->timers; timer != NULL; timer = timer->next) {
		if (timer->at == 0)
			continue;
		int left = deadline_remaining_ms(timer->at);

		if (timeout < 0 || left < timeout)
			timeout = left;
	}
	return timeout;
}

static void run_timers(const struct loop *loop)
{
	for (struct timer *timer = loop->timers; timer != NULL; timer = timer->next) {
		if (timer->at != 0 && timer->at <= clock_now_ms()) {
			timer->at = 0;
			timer->expired(timer);
		}
	}
}

int loop_turn(struct loop *loop, struct error *err)
{
	struct epoll_event event;
	int count = epoll_wait(loop->epoll, &event, 1, next_timeout(loop));

	if (count < 0 && errno != EINTR)
		return error_set(err, errno, "epoll_wait");
	if (count > 0) {
		struct source *source = event.data.ptr;

		source->ready(source, event.events);
	}
	run_timers(loop);
	return 0;
}

int loop_run(struct loop *loop, struct error *err)
{
	while (!loop->done)
		if (loop_turn(loop, err) < 0)
			return -1;
	return 0;
}
