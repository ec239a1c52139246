/* The launcher's state and its event loop's interface; theory of operation: main.c. */
#ifndef LAUNCHER_LAUNCHER_H
#define LAUNCHER_LAUNCHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/error.h"
#include "lib/stream.h"
#include "launcher/firewall.h"
#include "launcher/firewall-watch.h"
#include "launcher/hello.h"

struct launcher;
struct create;
struct background;
struct copy;

/* Something in the epoll set. `ready` may free what the watch is part of: the loop takes one event at a time. */
struct watch {
	int fd;
	uint32_t events;
	void (*ready)(struct launcher *launcher, struct watch *watch, uint32_t events);
};

/* A monitor without a container (spare.h). */
struct spare {
	pid_t pid;    /* 0: there is none */
	int socket;
	bool died;    /* since the last create: one that cannot live is not started again and again */
};

/* What others do to the firewall (watch-requests.c). */
struct firewall_events {
	struct watch watch;           /* fd -1: wardend has not asked */
	char table[FIREWALL_NAME_SIZE];
	struct firewall_transaction transaction;
	struct firewall_author author;
	bool asked;                   /* wardend wants to know, and has not been told since */
	bool pending;                 /* something it has not been told of */
	bool several;                 /* by more than one, or by nobody knows whom */
};

struct launcher {
	struct host host;
	int epoll;
	struct watch wardend;
	struct stream_input input;
	struct wire_buffer output;
	size_t output_position;       /* bytes of output that are written */
	bool ended;                   /* wardend is gone, or talks nonsense: then failure.number says what */
	struct error failure;
	struct watch signals;
	struct firewall_events firewall_events;
	struct watch link_deletions;  /* fd -1 as long as nobody waits for one */
	struct create *creates;
	size_t create_count;
	struct background *background;
	struct copy *copies;          /* copies.c */
	struct spare spare;
};

int watch_add(struct launcher *launcher, struct watch *watch, uint32_t events, struct error *err);
void watch_change(struct launcher *launcher, struct watch *watch, uint32_t events);
/* Closes the descriptor, too. */
void watch_close(struct launcher *launcher, struct watch *watch);

/* Answers to wardend, queued. Between begin and send attributes are put into launcher->output. */
void answer_begin(struct launcher *launcher, uint32_t request);
void answer_ok(struct launcher *launcher, uint32_t request);
void answer_error(struct launcher *launcher, uint32_t request, const struct error *problem);
/* What has been begun in `output`, REQUEST included. */
void answer_send(struct launcher *launcher);

#endif
