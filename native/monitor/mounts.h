/*
 * The monitor's part of the root file system: layers mapped to the container's ids, and the overlay over them, as a mount
 * that is attached nowhere until the container's child has its descriptor.
 */
#ifndef WARDEN_MONITOR_MOUNTS_H
#define WARDEN_MONITOR_MOUNTS_H

#include <stdint.h>

#include "lib/error.h"
#include "monitor/description.h"

/* An own copy of the mount namespace the launcher started us in, so that trees can be attached. */
int mounts_unshare(struct error *err);
/* Maps the ids of a detached tree and sets attributes (MOUNT_ATTR_*) in one call. */
int mounts_map(int tree, int user_namespace, uint64_t attributes, unsigned int flags, struct error *err);
/* Ends every tie to the mounts that the tree was cloned from; mounts_map() does that, too. */
int mounts_make_private(int tree, struct error *err);
/* The layers, topmost first, read-only and mapped, attached as /lower/N. */
int mounts_map_layers(const int *lowers, size_t count, int user_namespace, struct error *err);
/* Attaches the directory of upper and work, and mounts the overlay: *ret_overlay is a detached mount. */
int mounts_make_overlay(int container, size_t lower_count, uint64_t attributes, int *ret_overlay, struct error *err);
/* fsconfig(2) of a string, or of a flag when value is NULL. */
int mounts_set_option(int fs, const char *key, const char *value, struct error *err);
/* The errno with the kernel's explanation, "e overlay: …", that a failed fsconfig left to be read. */
int mounts_configuration_error(int fs, int number, const char *key, struct error *err);

#endif
