/*
 * Runs the hooks of a create: programs of the host's, with an argument vector, that get what is known of the container as a JSON object on standard
 * input and a known environment. One that fails, or takes too long, fails the create with what it wrote to standard error.
 *
 *   parent-before-clone, parent-after-clone   as root in the host's mount namespace; the second one knows the container's PID 1
 *   child-before-pivot                        in the container's namespaces, as its root: its root directory is a read-only view of the host's, with the
 *                                             container's root file system on /mnt
 *   child-after-pivot                         the same in the container's root file system, where it finds its interpreter and libraries, if it needs any
 */
#ifndef WARDEN_MONITOR_HOOKS_H
#define WARDEN_MONITOR_HOOKS_H

#include <sys/types.h>

#include "lib/stream.h"
#include "monitor/hook-list.h"

/* What the launcher passes for them, only when it is needed. */
struct hook_sources {
	int host_mounts;                  /* the host's mount namespace */
	int host_root;                    /* a tree; only for child-before-pivot */
	int programs[HOOK_MAX_COUNT];     /* of child-after-pivot, in order */
	size_t program_count;
};

#define HOOK_SOURCES_NONE ((struct hook_sources){ .host_mounts = -1, .host_root = -1 })

/* Those of one point, in order. pid: of the container's PID 1, told to parent-after-clone. deadline: of the whole create. */
int hooks_run(const struct hook_list *list, const struct hook_sources *sources, uint32_t point, pid_t pid, int64_t deadline, struct error *err);

/* The host's tree becomes a read-only one without ties to the host. In the monitor. */
int hooks_prepare_root(const struct hook_sources *sources, struct error *err);
/* Attaches it, moves the container's root onto its /mnt, and runs them. In the child. */
int hooks_run_before_pivot(const struct hook_list *list, const struct hook_sources *sources, int64_t deadline, struct error *err);

/* How many descriptors come with these hooks, and takes them, in the order of docs/native.md. */
size_t hook_sources_count(const struct hook_list *list);
void hook_sources_take(struct hook_sources *sources, const struct hook_list *list, struct stream_input *input);
void hook_sources_close(struct hook_sources *sources);

#endif
