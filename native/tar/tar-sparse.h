/* Which parts of a sparse file an archive has: in the header and blocks behind it (old GNU), in pax records (GNU.sparse 0.0, 0.1), before the data (1.0). */
#ifndef TAR_SPARSE_H
#define TAR_SPARSE_H

#include "tar/tar-reader.h"

/* Of the entry whose header and size were read: fills segments and entry.size when it is sparse. */
int tar_sparse_take(struct tar_reader *reader, const struct tar_header *header, struct error *err);

#endif
