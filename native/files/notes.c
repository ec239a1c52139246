#include "files/notes.h"

#include <stdio.h>

void notes_add(struct notes *notes, const char *path, const char *why)
{
	if (notes->count < NOTES_MAX)
		snprintf(notes->lines[notes->count++], NOTE_SIZE, "%.300s: %s", path, why);
}

void notes_put(const struct notes *notes, struct wire_buffer *buffer)
{
	for (size_t i = 0; i < notes->count; i++)
		wire_put_string(buffer, TAG_LINE, notes->lines[i]);
}
