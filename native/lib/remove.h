/* Removing directories with everything in them, without following a link. What is not there is no error. */
#ifndef WARDEN_REMOVE_H
#define WARDEN_REMOVE_H

#include <stddef.h>

#include "lib/error.h"

/* At most 64 levels deep (ELOOP). What can be removed beside a failure is removed; the first failure is told. */
int remove_tree(int parent, const char *name, struct error *err);

/* Entries of a directory, however deep they are: what lies too deep is moved up into it first, as deep-PID-NUMBER. */
int remove_entries(int directory, char *const *names, size_t count, struct error *err);

#endif
