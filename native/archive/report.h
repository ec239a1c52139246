/* What the program tells whoever started it: lines of JSON on a descriptor. */
#ifndef ARCHIVE_REPORT_H
#define ARCHIVE_REPORT_H

#include "archive/decompress.h"
#include "archive/layer.h"

/* {"read":BYTES}, when it is some more than last time. */
void report_progress(uint64_t bytes_read);
/* {"diffId":…,"fileDigest":…,"entries":…,"bytes":…,"skipped":…,"notes":[…]} */
int report_layer(int fd, struct decompress *source, const struct layer *layer, struct error *err);
/* {"errno":…,"message":…} */
void report_error(int fd, const struct error *problem);
/* Where progress goes. */
void report_to(int fd);

#endif
