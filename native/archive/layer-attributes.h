/* Extended attributes that a file of an image may bring along. */
#ifndef ARCHIVE_LAYER_ATTRIBUTES_H
#define ARCHIVE_LAYER_ATTRIBUTES_H

#include "tar/tar-entry.h"

/*
 * Of a regular file: capabilities, of those that no namespace is named in, and `user.` ones. Others are left out: `trusted.overlay.` tells overlayfs to look
 * for a file elsewhere, labels and access lists are of another machine.
 */
int layer_attributes_set(int directory, const char *name, const struct tar_entry *entry, struct error *err);

#endif
