/*
 * The processes below one, where neither a PID namespace nor a cgroup knows them. A process whose parent ends goes to the nearest subreaper above it
 * (PR_SET_CHILD_SUBREAPER), so below a subreaper nobody gets away, whatever sessions and groups it makes.
 */
#ifndef WARDEN_DESCENDANTS_H
#define WARDEN_DESCENDANTS_H

#include <sys/types.h>

#include "lib/error.h"

/* Signals every process below `ancestor` that was there when /proc was read. Returns how many were alive, or -1. */
int descendants_signal(pid_t ancestor, int signal, struct error *err);
/* Only those of one session, or below its leader. */
int descendants_signal_session(pid_t ancestor, pid_t leader, int signal, struct error *err);
/* Kills, again and again until nobody is left or the deadline (deadline.h) is over; what somebody forks meanwhile has its turn, too. Returns as above: how many were left. */
int descendants_kill(pid_t ancestor, int64_t deadline, struct error *err);
int descendants_kill_session(pid_t ancestor, pid_t leader, int64_t deadline, struct error *err);

#endif
