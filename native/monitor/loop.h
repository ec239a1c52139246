/*
 * The event loop: sources with a descriptor and a function each, and a few timers.
 *
 * epoll_wait() takes one event at a time, so that what an event's function frees can never be the target of an event that was fetched with it.
 */
#ifndef WARDEN_MONITOR_LOOP_H
#define WARDEN_MONITOR_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "lib/error.h"

struct source {
	int fd;
	void (*ready)(struct source *source, uint32_t events);
};

struct timer {
	int64_t at;      /* deadline.h; 0: off */
	void (*expired)(struct timer *timer);
	struct timer *next;
};

struct loop {
	int epoll;
	bool done;
	struct timer *timers;
};

int loop_init(struct loop *loop, struct error *err);
int loop_add(struct loop *loop, struct source *source, uint32_t events, struct error *err);
void loop_modify(struct loop *loop, struct source *source, uint32_t events);
void loop_remove(struct loop *loop, struct source *source);
/* Registers a timer, off; it must outlive the loop. */
void loop_add_timer(struct loop *loop, struct timer *timer);
/* One event, and the timers that have expired. */
int loop_turn(struct loop *loop, struct error *err);
/* Until loop->done. */
int loop_run(struct loop *loop, struct error *err);

#endif
