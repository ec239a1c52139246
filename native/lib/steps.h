/*
 * Every step of a create that monitor, its cloned child and wshd can report as the one that failed, in their order.
 * `monitor --steps` prints the texts; in builds with WARDEN_FAULTS each of them can be made to fail.
 */
#ifndef WARDEN_STEPS_H
#define WARDEN_STEPS_H

#define CREATE_STEPS(X) \
	X(STEP_READ_DESCRIPTION, "read description") \
	X(STEP_START_LAYERS, "start layers") \
	X(STEP_MAKE_CGROUPS, "make cgroups") \
	X(STEP_HOOK_BEFORE_CLONE, "hook parent-before-clone") \
	X(STEP_CLONE, "clone") \
	X(STEP_MAP_IDS, "map ids") \
	X(STEP_HOOK_AFTER_CLONE, "hook parent-after-clone") \
	X(STEP_REPORT_CLONE, "report clone") \
	X(STEP_MAP_DEVICES, "map devices") \
	X(STEP_MAKE_DIRECTORIES, "make directories") \
	X(STEP_LISTEN, "listen") \
	X(STEP_WATCH_MEMORY, "watch memory") \
	X(STEP_WRITE_UPPER, "write upper files") \
	X(STEP_MAP_LAYERS, "map layers") \
	X(STEP_MOUNT_OVERLAY, "mount overlay") \
	X(STEP_MAP_MOUNTS, "map mounts") \
	X(STEP_SEND_MOUNTS, "send mounts") \
	X(STEP_SET_HOSTNAME, "set hostname") \
	X(STEP_JOIN_CGROUPS, "join cgroups") \
	X(STEP_BECOME_ROOT, "become root") \
	X(STEP_MOUNT_PROC, "mount proc") \
	X(STEP_MOUNT_SYS, "mount sys") \
	X(STEP_SET_PING_GROUPS, "set ping groups") \
	X(STEP_MOUNT_DEV, "mount dev") \
	X(STEP_MASK_PATHS, "mask paths") \
	X(STEP_RECEIVE_MOUNTS, "receive mounts") \
	X(STEP_ATTACH_ROOT, "attach root") \
	X(STEP_MOUNT_VOLUMES, "mount volumes") \
	X(STEP_HOOK_BEFORE_PIVOT, "hook child-before-pivot") \
	X(STEP_PIVOT_ROOT, "pivot root") \
	X(STEP_HOOK_AFTER_PIVOT, "hook child-after-pivot") \
	X(STEP_DROP_CAPABILITIES, "drop capabilities") \
	X(STEP_EXECUTE_WSHD, "execute wshd") \
	X(STEP_START_WSHD, "start wshd") \
	X(STEP_LOAD_FILTER, "load filter") \
	X(STEP_WAIT_READY, "wait for wshd") \
	X(STEP_WAIT_NETWORK, "wait for network")

#define STEP_DEFINE(name, text) __attribute__((unused)) static const char name[] = text;
CREATE_STEPS(STEP_DEFINE)
#undef STEP_DEFINE

#endif
