/* The words between launcher, monitor and the container's child during a create; each wait watches all three and the deadline. */
#ifndef WARDEN_MONITOR_HANDSHAKE_H
#define WARDEN_MONITOR_HANDSHAKE_H

#include <stdint.h>
#include <sys/types.h>

#include "lib/error.h"
#include "lib/stream.h"
#include "monitor/description.h"

struct handshake {
	int launcher;
	int wshd;
	int pidfd;
	struct stream_input *input;   /* of the launcher's socket */
	int64_t deadline;
};

int handshake_send_cgroups(int wshd, const int *tasks, size_t count, int64_t deadline, struct error *err);
/* Until the child has joined them; for hooks, it tells nobody else. */
int handshake_await_joined(int wshd, int64_t deadline, struct error *err);
int handshake_send_ids_mapped(int wshd, int dev, int64_t deadline, struct error *err);
int handshake_send_mounts(int wshd, int overlay, const int *volumes, size_t volume_count, int64_t deadline, struct error *err);
int handshake_report_clone(int launcher, pid_t pid, int64_t deadline, struct error *err);
int handshake_configure(int wshd, const struct description *description, int64_t deadline, struct error *err);
/* Replaces *err by what the child has reported, if it has. */
void handshake_child_error(const struct handshake *handshake, struct error *err);
/* Until wshd is READY: its or its forerunner's error, its death, the launcher's end and the deadline end the wait. */
int handshake_wait_ready(const struct handshake *handshake, struct error *err);
/* Says OK to the launcher and waits for its OK, which means that the network is there. */
int handshake_wait_network(const struct handshake *handshake, struct error *err);

#endif
