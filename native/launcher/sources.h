/* The descriptors that a monitor is given with its description: everything it needs of the host's file systems. */
#ifndef LAUNCHER_SOURCES_H
#define LAUNCHER_SOURCES_H

#include "launcher/description.h"
#include "launcher/hello.h"

enum { SOURCES_MAX = 10 + DESCRIPTION_MAX_HOOKS + DESCRIPTION_MAX_LOWERS + DESCRIPTION_MAX_MOUNTS + DESCRIPTION_MAX_CGROUPS };

/* Descriptors in the order of docs/native.md. The first SOURCES_SHARED are the launcher's, and stay open. */
enum { SOURCES_SHARED = 3 };

struct sources {
	int fds[SOURCES_MAX];
	size_t count;
};

/* Closed with sources_close() in any case. */
int sources_open(struct sources *ret_sources, const struct host *host, const struct description *description, struct error *err);
void sources_close(struct sources *sources);

#endif
