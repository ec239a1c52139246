/* Starts wshd for plain processes: a sequence of named steps, all undone when one fails. */
#ifndef WARDEN_PLAIN_START_H
#define WARDEN_PLAIN_START_H

#include "monitor/container.h"

/* Absolute. */
struct plain_paths {
	const char *directory;   /* the container's; rootfs is in it */
	const char *wshd;
	const char *files;
	const char *syslog;      /* of the socket; nothing need be there */
};

/* Until wshd is ready and run/monitor.sock is there. `server` is watched meanwhile: its end ends the start. On failure nothing is left. */
int plain_start(int server, const struct plain_paths *paths, struct container *ret_container, struct error *err);

#endif
