/* What was left out of a transfer, and why: lines for people, of which the first hundred are kept. */
#ifndef WARDEN_FILES_NOTES_H
#define WARDEN_FILES_NOTES_H

#include <stddef.h>

#include "lib/codec.h"

enum { NOTES_MAX = 100, NOTE_SIZE = 400 };

struct notes {
	size_t count;
	char lines[NOTES_MAX][NOTE_SIZE];
};

/* "PATH: WHY" */
void notes_add(struct notes *notes, const char *path, const char *why);
/* As LINE attributes. */
void notes_put(const struct notes *notes, struct wire_buffer *buffer);

#endif
