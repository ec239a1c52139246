/* What every monitor is given: programs in memory that nobody can change any more. */
#ifndef LAUNCHER_PROGRAMS_H
#define LAUNCHER_PROGRAMS_H

#include <stddef.h>

#include "lib/error.h"

enum { PROGRAM_MAX_SIZE = 16 << 20, FILTER_MAX_SIZE = 4096 * 8 };

/*
 * A sealed memory file with the content of `path`, opened read-only: a process in a container that reaches it through /proc/1/exe
 * cannot change it (CVE-2019-5736), and a descriptor open for writing could not be executed (ETXTBSY). Returns it or -1.
 */
int program_load(const char *path, const char *name, size_t max_size, struct error *err);

/* A file of struct sock_filter, loaded the same way and checked for its size. */
int program_load_filter(const char *path, struct error *err);

#endif
