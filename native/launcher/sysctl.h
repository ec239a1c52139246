/*
 * Writes below /proc/sys/net, in one network namespace after the other.
 *
 * Each namespace has its own files there, under names that are the same for all: within one proc file system they lie side by side in the kernel's cache of names, those
 * of namespaces that are gone among them, and whoever looks one up passes them all (proc_sys_compare() in fs/proc/proc_sysctl.c). With 800 containers that was a tenth of
 * a create. So the launcher has a proc file system that nobody else uses, and after some writes another one, whose cache is empty.
 */
#ifndef LAUNCHER_SYSCTL_H
#define LAUNCHER_SYSCTL_H

#include "lib/error.h"

/* Once, before the first write, so that there is always one descriptor for it. */
int sysctl_open(struct error *err);

/* name: below /proc/sys; of the network namespace that the caller is in. */
int sysctl_write(const char *name, const char *value, struct error *err);

#endif
