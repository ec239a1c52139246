/*
 * A layer of an image, from its archive to a directory as overlayfs takes it: a name that the layer takes away becomes a device 0:0, a directory of which
 * it takes all that lies below gets an attribute. Owners and permissions are the archive's, set-id bits too: the directory is for containers only.
 * Devices are left out, and so are attributes that could mean something to overlayfs.
 */
#ifndef ARCHIVE_LAYER_H
#define ARCHIVE_LAYER_H

#include "lib/tree-writer.h"
#include "tar/tar-reader.h"

enum { LAYER_NOTES = 16, LAYER_NOTE_SIZE = 200 };

struct layer {
	struct tree_writer writer;
	uint64_t skipped;                             /* entries that were left out */
	char notes[LAYER_NOTES][LAYER_NOTE_SIZE];     /* on the first of them */
	struct layer_times *times;                    /* of directories, to be set when nothing is put into them any more */
};

struct layer_limits {
	uint64_t entries;
	uint64_t bytes;   /* of all files, and of any one with its holes */
};

/* root: the directory, empty. */
int layer_init(struct layer *ret_layer, int root, const struct layer_limits *limits, struct error *err);
/* Everything in it, until the archive's end. */
int layer_extract(struct layer *layer, struct tar_reader *reader, struct error *err);
void layer_free(struct layer *layer);

#endif
