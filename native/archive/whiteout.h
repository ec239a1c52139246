/* What a layer takes away, by names that begin with ".wh.": as the image specification has it, and as overlayfs does. */
#ifndef ARCHIVE_WHITEOUT_H
#define ARCHIVE_WHITEOUT_H

#include "lib/tree-writer.h"

/* 1: the path was such a name, and is done with; 0: it is not; -1. */
int whiteout_make(struct tree_writer *writer, const char *path, struct error *err);

bool whiteout_is(int directory, const char *name);
/* Of that directory what the layers below have is not seen. 1, or -1. */
int whiteout_cover(int directory, const char *name, struct error *err);

#endif
