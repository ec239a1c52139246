/* The end: PID 1 is killed, waited for by its pidfd, the cgroups are removed, and everybody who asked for it is told. */
#ifndef WARDEN_MONITOR_DESTROY_H
#define WARDEN_MONITOR_DESTROY_H

#include "monitor/monitor.h"

/* Goes on by itself; a second call changes nothing. */
void destroy_begin(struct monitor *monitor);
/* The next step, when PID 1 is dead. Ends the loop when all is gone, answers ERROR when the deadline is over. */
void destroy_advance(struct monitor *monitor);

#endif
