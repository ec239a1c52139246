/* Serves run/monitor.sock and watches the container until it is destroyed. */
#ifndef WARDEN_MONITOR_SERVER_H
#define WARDEN_MONITOR_SERVER_H

#include "lib/error.h"
#include "monitor/container.h"

int server_run(const struct container *container, struct error *err);

#endif
