/* Files that are always whole: written under another name, and renamed. */
#ifndef WARDEN_REPLACE_H
#define WARDEN_REPLACE_H

#include <stddef.h>

#include "lib/error.h"

/* PATH, mode 0600, by way of PATH.part beside it. On failure PATH is what it was. */
int file_replace(const char *path, const void *data, size_t size, struct error *err);

#endif
