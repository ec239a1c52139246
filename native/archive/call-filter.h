/* The system calls of a process that writes files below its root, and no others: another one kills it. */
#ifndef ARCHIVE_CALL_FILTER_H
#define ARCHIVE_CALL_FILTER_H

#include "lib/error.h"

/* Needs no_new_privs, or CAP_SYS_ADMIN. */
int call_filter_install(struct error *err);

#endif
