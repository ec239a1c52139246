/* The socket by which wardend finds a monitor, and its pid file. */
#ifndef WARDEN_MONITOR_LISTENING_H
#define WARDEN_MONITOR_LISTENING_H

#include "monitor/container.h"

/* Makes directories, socket and file below the container's directory; container->listener is the socket. Steps "listen" and those of the directories. */
int listening_begin(struct container *container, struct error *err);

#endif
