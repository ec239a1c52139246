/* Taking connections from a listening socket, of a monitor's or iomux-spawn's. */
#ifndef WARDEN_MONITOR_ACCEPTING_H
#define WARDEN_MONITOR_ACCEPTING_H

#include "monitor/monitor.h"

/* limit: connections beyond it are closed at once. */
int accepting_begin(struct monitor *monitor, int listener, uint32_t limit, struct error *err);

#endif
