/* Paths of a container: resolved within its root, relative ones from the user's home directory. */
#ifndef WARDEN_FILES_PATHS_H
#define WARDEN_FILES_PATHS_H

#include "files/transfer.h"

enum { PATHS_MAX_SIZE = 4096 };

/* A path as the request has it; EINVAL: it is empty; ENAMETOOLONG. The caller's to free. */
int paths_read(const struct wire_attribute *attribute, char **ret_path, struct error *err);
/* openat2() within the root: links lead nowhere else, and those of /proc nowhere at all. Errors name the path. */
int paths_open(const struct transfer *transfer, const char *path, uint64_t flags, uint32_t mode, struct error *err);
/* The directory that an entry is in, O_PATH, and its name, the caller's to free. EINVAL: the path ends in `..` or is the root. */
int paths_open_parent(const struct transfer *transfer, const char *path, int *ret_parent, char **ret_name, struct error *err);

#endif
