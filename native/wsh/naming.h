/* RENAME: PID 1 shows as another container's, and files of it say another name. Nothing runs beside wshd then. */
#ifndef WARDEN_WSH_NAMING_H
#define WARDEN_WSH_NAMING_H

#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"

/* Where the title of the process can be written: arguments and environment lie one behind the other. To be called first of all. */
void naming_begin(char **arguments);
/* The number is the request's also when it fails, if it could be read. */
int naming_serve(const void *body, size_t size, uint32_t *ret_request, struct error *err);

#endif
