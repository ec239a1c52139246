/* Whether the container has no process but PID 1, and who waits for that. */
#ifndef WARDEN_MONITOR_EMPTY_H
#define WARDEN_MONITOR_EMPTY_H

#include "monitor/monitor.h"

bool empty_holds(const struct monitor *monitor);
/* Answers AWAIT_EMPTY if it is so. */
void empty_check(struct monitor *monitor);

#endif
