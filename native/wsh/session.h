/* One interactive job: its request, and the copying between two terminals. */
#ifndef WARDEN_WSH_SESSION_H
#define WARDEN_WSH_SESSION_H

#include "lib/error.h"

struct session_request {
	const char *socket;       /* path of the container's monitor.sock */
	const char *user;         /* root, vcap */
	char **arguments;         /* NULL-terminated; empty: a login shell */
};

/* Runs until the job ends: its exit status (128 + signal for a signal), or -1 with what failed. */
int session_run(const struct session_request *request, struct error *err);

#endif
