/* Files like /etc/passwd: lines whose first field, up to the colon, is a name. Pure; the image's text is not trusted. */
#ifndef WARDEN_MONITOR_ACCOUNTS_H
#define WARDEN_MONITOR_ACCOUNTS_H

#include <stddef.h>

#include "lib/error.h"

#define ACCOUNTS_MAX_FILE (1u << 20)

/* text without the lines of `name`, plus `line` and a newline. *ret_text is the caller's to free. */
int accounts_replace(const char *text, size_t size, const char *name, const char *line, char **ret_text, size_t *ret_size, struct error *err);

#endif
