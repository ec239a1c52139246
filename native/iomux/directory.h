/* The directory where iomux-spawn and iomux-link meet: a socket, and the files of the spool. */
#ifndef WARDEN_IOMUX_DIRECTORY_H
#define WARDEN_IOMUX_DIRECTORY_H

#include <stdbool.h>

#include "lib/error.h"

#define LINK_SOCKET "link.sock"

struct meeting_place {
	const char *path;
	int fd;
	int listener;
	bool made;      /* by us: it goes with us */
};

/* Makes the directory (mode 0700) when it is missing, and listens in it. EEXIST: somebody else does, or did until it was killed. */
int meeting_place_open(struct meeting_place *place, const char *path, struct error *err);
/* Nobody can come any more. */
void meeting_place_close(struct meeting_place *place);
/* Closes it and removes what is ours. */
void meeting_place_remove(struct meeting_place *place);

/* ENOENT: nobody listens there; ECONNREFUSED: who did is dead. *ret_fd: the socket. */
int meeting_place_connect(const char *path, int *ret_fd, struct error *err);

#endif
