/* A stack of what to undo: push on the line after each acquisition, run in reverse on failure, drop on success. */
#ifndef WARDEN_UNDO_H
#define WARDEN_UNDO_H

#include <stddef.h>

#define UNDO_MAX 24

struct undo {
	struct {
		void (*function)(void *argument);
		void *argument;
	} entries[UNDO_MAX];
	size_t count;
};

/* Pushing more than UNDO_MAX is a mistake of the programmer and aborts. */
void undo_push(struct undo *undo, void (*function)(void *argument), void *argument);
void undo_run(struct undo *undo);
void undo_drop(struct undo *undo);

#endif
