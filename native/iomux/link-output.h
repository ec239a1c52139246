/* What a link writes: the bytes of the command to its own stdout and stderr, and behind them the positions. */
#ifndef WARDEN_IOMUX_LINK_OUTPUT_H
#define WARDEN_IOMUX_LINK_OUTPUT_H

#include "iomux/positions.h"

struct link_output {
	const char *path;           /* of the positions; NULL: they are not kept */
	struct positions saved;
	uint64_t position;          /* everything before it is written */
	uint64_t skip[2];           /* bytes of each stream that are in the files already */
	bool same_file;             /* both streams go to one: skip[0] counts for both */
};

/* Reads the positions. */
int link_output_open(struct link_output *output, const char *path, struct error *err);
/* A piece of one stream (STREAM_*), which begins at the position. */
int link_output_write(struct link_output *output, uint32_t stream, const uint8_t *data, size_t size, struct error *err);
/* Saves the positions when much was written since, or when `now`. */
int link_output_save(struct link_output *output, bool now, struct error *err);

#endif
