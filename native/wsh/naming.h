/* RENAME: PID 1 shows as another container's, and files of it say another name. Nothing runs beside wshd then. */
#ifndef WARDEN_WSH_NAMING_H
#define WARDEN_WSH_NAMING_H

#include <stddef.h>

#include "lib/error.h"

/* Where the title of the process can be written: arguments and environment lie one behind the other. To be called first of all. */
void naming_begin(char **arguments);
int naming_serve(const void *body, size_t size, struct error *err);

#endif
