/* The times of a layer's directories, which change whenever something is put into one: they are kept until the end. */
#ifndef ARCHIVE_LAYER_TIMES_H
#define ARCHIVE_LAYER_TIMES_H

#include <stdint.h>

struct layer_times;

struct layer_times *layer_times_new(void);
void layer_times_free(struct layer_times *times);
/* Without effect when there is no room for more: nothing depends on it. */
void layer_times_note(struct layer_times *times, const char *path, int64_t seconds);
/* Of what is still a directory by that name, without a link on the way. */
void layer_times_set(const struct layer_times *times, int root);

#endif
