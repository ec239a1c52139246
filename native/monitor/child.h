/*
 * The code that runs in the container's PID 1 between clone and exec.
 *
 * It is root of a user namespace that owns all its other namespaces and has no power over the host. It gets by the pair: one
 * packet when its cgroups of version 1 are there, with their `tasks` files, one when its ids are mapped, with the /dev tree, then one with the descriptors {root, volumes…}.
 * Where there are hooks it says when it has joined those cgroups. From what it has got it builds the mount tree, leaves the
 * host's behind, and executes wshd. Nothing of the image is executed or resolved outside the image's root. A failure
 * is reported as an ERROR packet.
 */
#ifndef WARDEN_MONITOR_CHILD_H
#define WARDEN_MONITOR_CHILD_H

#include "lib/codec.h"
#include "monitor/cgroup.h"
#include "monitor/description.h"
#include "monitor/hooks.h"

/* The packets are these single bytes. */
#define CHILD_CGROUPS 'c'
#define CHILD_JOINED 'j'      /* its own */
#define CHILD_IDS_MAPPED 'i'
#define CHILD_MOUNTS 'm'

struct child {
	const struct description *description;
	int pair;       /* SOCK_SEQPACKET, becomes wshd's descriptor 3 */
	int other_end;  /* of that pair: the monitor's */
	int filter;     /* the seccomp program, becomes 4 */
	int wshd;       /* the sealed memfd, opened read-only */
	const struct hook_sources *hook_sources;
	int64_t deadline;   /* of the whole create, for hooks */
	struct wire_buffer *report;   /* empty, with room for an ERROR packet: another thread may have held malloc's lock when the child was cloned */
};

_Noreturn void child_run(const struct child *child);

#endif
