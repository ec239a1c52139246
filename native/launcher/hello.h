/* What HELLO sets up once, and every create uses. */
#ifndef LAUNCHER_HELLO_H
#define LAUNCHER_HELLO_H

#include <stddef.h>
#include <sys/types.h>

#include "lib/error.h"
#include "launcher/namespaces.h"

struct host {
	int lock;
	int monitor;        /* the program */
	int wshd;           /* sealed memory, as are the next two */
	int filter;
	int files;
	struct namespaces namespaces;
	int rtnetlink;
	int nfnetlink;
	int sock_diag;
};

/*
 * Carries out a HELLO message. After an error (*ret_owner: who holds the depot's lock, or 0) the process is half prepared and must exit.
 * Errors: EPROTO another version; EBUSY a second wardend on the depot.
 */
int hello(struct host *ret_host, const void *body, size_t size, pid_t wardend, pid_t *ret_owner, struct error *err);

#endif
