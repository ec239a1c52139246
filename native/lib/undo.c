#include "lib/undo.h"

#include <stdlib.h>

void undo_push(struct undo *undo, void (*function)(void *argument), void *argument)
{
	if (undo->count == UNDO_MAX)
		abort();
	undo->entries[undo->count].function = function;
	undo->entries[undo->count].argument = argument;
	undo->count++;
}

void undo_run(struct undo *undo)
{
	while (undo->count > 0) {
		undo->count--;
		undo->entries[undo->count].function(undo->entries[undo->count].argument);
	}
}

void undo_drop(struct undo *undo)
{
	undo->count = 0;
}
