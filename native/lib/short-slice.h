/*
 * A process that only passes messages on asks for short time slices: when it wakes up beside a program that has just begun, it goes first and is
 * done in some microseconds, instead of waiting for the program's slice of milliseconds to end (sched_setattr(2), since Linux 6.12; before, no effect).
 */
#ifndef WARDEN_SHORT_SLICE_H
#define WARDEN_SHORT_SLICE_H

/* For this process alone: its children have the usual slices. Without it everything works, later. */
void short_slice_take(void);

#endif
