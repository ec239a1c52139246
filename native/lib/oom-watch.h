/*
 * Learning that the OOM killer was at work in a cgroup.
 *
 *   v1   an eventfd on memory.oom_control. It is signalled before the killer is called, for an OOM of any group above as well, and when the group
 *        is removed (mm/memcontrol-v1.c); so what counts is the counter oom_kill of that file, which tells of this group's own processes.
 *        Nothing tells when that has been raised, or that it will not be: after each event it is looked at again for some seconds, ever less often.
 *        With oom_kill_disable processes wait in place of dying, under_oom says so, and that counts too.
 *   v2   memory.events, whose oom_kill is raised before the file is ready for POLLPRI.
 */
#ifndef WARDEN_OOM_WATCH_H
#define WARDEN_OOM_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"

struct oom_watch {
	int event;        /* what to wait for, with the events of oom_watch_poll_events(); -1: nothing is watched */
	int counters;     /* v1: memory.oom_control; v2: the same as event */
	uint32_t version;
	uint64_t kills;   /* that have been seen */
	int64_t until;    /* deadline.h: how long the last event is waited for to have come of something; 0: it has, or there was none */
	int pause_ms;     /* while OOM_UNDECIDED: until the next look */
};

#define OOM_WATCH_NONE ((struct oom_watch){ .event = -1, .counters = -1 })

enum oom_state {
	OOM_NOTHING,
	OOM_HIT,          /* a process of the group was killed since the last look, or, where that is turned off, has to wait */
	OOM_UNDECIDED,    /* v1: the killer may be at work: look again after pause_ms */
	OOM_GONE,         /* the group was removed */
};

/* Watches the group whose directory this is, from now on. ENOENT: it has no memory controller. */
int oom_watch_open(struct oom_watch *ret_watch, int directory, struct error *err);
/* For poll() and epoll alike. */
short oom_watch_poll_events(const struct oom_watch *watch);
/* After the event, or at any time. */
enum oom_state oom_watch_look(struct oom_watch *watch);
void oom_watch_close(struct oom_watch *watch);

/* The number behind `name` in lines of "NAME NUMBER"; false: there is no such line. */
bool oom_counter(const char *text, const char *name, uint64_t *ret_value);

#endif
