/* What is known of a file, as an attribute of an answer. */
#ifndef WARDEN_FILES_ENTRY_H
#define WARDEN_FILES_ENTRY_H

#include <sys/stat.h>

#include "lib/codec.h"

/* name, target: NULL for none. */
void entry_put(struct wire_buffer *buffer, const char *name, const struct stat *status, const char *target);
/* Where the link leads that `parent`'s entry `name` is, or O_PATH `parent` itself with an empty name; NULL: it could not be read. The caller's to free. */
char *entry_read_link(int parent, const char *name);

#endif
