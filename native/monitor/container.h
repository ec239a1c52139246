/* What a monitor holds of its container once it exists. */
#ifndef WARDEN_MONITOR_CONTAINER_H
#define WARDEN_MONITOR_CONTAINER_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/oom-watch.h"
#include "monitor/cgroup.h"
#include "monitor/description.h"
#include "monitor/upper.h"
#include "monitor/usage.h"

#define SOCKET_NAME "monitor.sock"
#define PID_FILE_NAME "monitor.pid"

struct container {
	struct container_directories directories;
	struct cgroups cgroups;
	struct oom_watch oom;   /* of the group with the memory controller */
	struct usage usage;
	struct user *users;
	size_t user_count;
	int listener;
	int wshd;      /* our end of the SOCK_SEQPACKET pair */
	int pidfd;     /* of PID 1 */
	pid_t pid;
	int files;     /* the program for TRANSFER */
	int syslog_directory;   /* O_PATH, on the host; -1: there is none */
	bool nested;            /* nested.h */
	bool plain;             /* no container at all: plain processes (plain/main.c) */
	int root;               /* of a plain one: the directory in which paths are looked up */
	char *syslog_name;      /* of the socket in it; NULL without a directory */
};

#endif
