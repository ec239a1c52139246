/* Points in time on the monotonic clock, in milliseconds; every wait has one. And the wall clock, which is only for showing. */
#ifndef WARDEN_DEADLINE_H
#define WARDEN_DEADLINE_H

#include <limits.h>
#include <stdint.h>
#include <time.h>

static inline int64_t clock_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Since the epoch. */
static inline int64_t clock_wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline int64_t deadline_in_ms(int64_t milliseconds)
{
	return clock_now_ms() + milliseconds;
}

/* For poll() and epoll_wait(): never negative, which would mean for ever. */
static inline int deadline_remaining_ms(int64_t deadline)
{
	int64_t left = deadline - clock_now_ms();

	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

#endif
