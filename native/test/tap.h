/* Test output that `prove` and the test runner read: one line per check, and the exit status says whether all held. */
#ifndef WARDEN_TEST_TAP_H
#define WARDEN_TEST_TAP_H

#include <stdbool.h>
#include <stdio.h>

static int tap_count, tap_failures;

static inline bool tap_check(bool holds, const char *what, const char *file, int line)
{
	tap_count++;
	if (holds) {
		printf("ok %d - %s\n", tap_count, what);
	} else {
		printf("not ok %d - %s\n# %s:%d\n", tap_count, what, file, line);
		tap_failures++;
	}
	return holds;
}

#define CHECK(condition, what) tap_check((condition), (what), __FILE__, __LINE__)

static inline int tap_end(void)
{
	printf("1..%d\n", tap_count);
	return tap_failures == 0 && tap_count > 0 ? 0 : 1;
}

#endif
