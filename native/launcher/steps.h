/* The steps of the launcher by name, as errors and `launcher --steps` give them, in the order of their first use. */
#ifndef LAUNCHER_STEPS_H
#define LAUNCHER_STEPS_H

/* Once, at HELLO. */
#define LAUNCHER_START_STEPS(X) \
	X(LOCK_DEPOT, "lock depot") \
	X(LOAD_PROGRAMS, "load programs") \
	X(MAKE_MINIMAL_NAMESPACE, "make minimal mount namespace") \
	X(MAKE_DEVICES, "make device tree") \
	X(ALLOW_DEVICES, "set device rules") \
	X(OPEN_NETLINK, "open netlink sockets")

/* For each CREATE. */
#define LAUNCHER_CREATE_STEPS(X) \
	X(CHECK_DESCRIPTION, "check description") \
	X(OPEN_DEVICES, "open device tree") \
	X(OPEN_DIRECTORY, "open container directory") \
	X(OPEN_ROOT, "open root file system") \
	X(OPEN_MOUNT, "open mount source") \
	X(OPEN_CGROUP, "open cgroup parent") \
	X(OPEN_HOOK, "open hook") \
	X(START_MONITOR, "start monitor") \
	X(SEND_DESCRIPTION, "send description") \
	X(ADD_ELEMENTS, "add firewall elements") \
	X(OPEN_NETWORK, "open network namespace") \
	X(CREATE_LINK, "create link") \
	X(DISABLE_IPV6, "disable IPv6 of the host interface") \
	X(CONFIGURE_HOST_END, "configure host interface") \
	X(CONFIGURE_CONTAINER_END, "configure container interface") \
	X(AWAIT_MONITOR, "await monitor") \
	X(CONFIRM, "confirm")

#define LAUNCHER_OTHER_STEPS(X) \
	X(READ_HELLO, "read hello") \
	X(READ_REQUEST, "read request") \
	X(ANSWER, "answer") \
	X(ABANDONED, "abandoned") \
	X(CHANGE_ELEMENTS, "change firewall elements") \
	X(WATCH_FIREWALL, "watch firewall") \
	X(COPY, "copy") \
	X(DISCARD, "remove discarded directories") \
	X(SET_QUOTA, "set quota") \
	X(READ_QUOTA, "read quota") \
	X(PREPARE_DISKS, "prepare disks") \
	X(MAKE_DISK, "make disk") \
	X(LIMIT_DISK, "limit disk") \
	X(READ_DISK, "read disk") \
	X(LIMIT_BANDWIDTH, "limit bandwidth") \
	X(READ_BANDWIDTH, "read bandwidth limit") \
	X(REMOVE_BANDWIDTH, "remove bandwidth limit") \
	X(READ_LINK, "read what a link has carried") \
	X(FIND_LISTENER, "look for a listening socket") \
	X(FORGET_CONNECTIONS, "forget connections") \
	X(REMOVE_LINK, "remove link") \
	X(SEND_DATAGRAM, "send datagram")

#define LAUNCHER_STEPS(X) LAUNCHER_START_STEPS(X) LAUNCHER_CREATE_STEPS(X) LAUNCHER_OTHER_STEPS(X)

#define LAUNCHER_STEP_DECLARE(name, text) extern const char STEP_##name[];
LAUNCHER_STEPS(LAUNCHER_STEP_DECLARE)

#endif
