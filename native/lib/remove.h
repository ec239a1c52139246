/* Removing a directory with everything in it, without following a link. */
#ifndef WARDEN_REMOVE_H
#define WARDEN_REMOVE_H

#include "lib/error.h"

/* What is not there is no error; stops at the first failure. At most 64 levels deep (ELOOP). */
int remove_tree(int parent, const char *name, struct error *err);

#endif
