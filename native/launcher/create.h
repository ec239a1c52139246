/* Creates under way: each is a state machine that events move on; none waits for another. */
#ifndef LAUNCHER_CREATE_H
#define LAUNCHER_CREATE_H

#include "launcher/description.h"
#include "launcher/launcher.h"

enum { CREATE_MAX_UNDER_WAY = 256 };

/*
 * begun: monitor started, description sent, firewall elements added
 *   CLONED from the monitor: network namespace known; link and addresses made, or (its name is still taken) waited for
 *   OK from the monitor and network done, in any order: confirmed, answered, forgotten
 * failing: socket closed (the monitor undoes its part and exits), elements deleted; waits for the monitor's exit, then for the link to be
 *   gone, each with a deadline; answered with the error that came first, forgotten
 */
struct create {
	struct create *next;
	struct watch socket;           /* to the monitor; fd -1 once it is closed */
	struct stream_input input;
	struct wire_buffer message;    /* the frame for the monitor, which the description points into */
	struct description description;
	int64_t deadline;
	pid_t monitor;                 /* 0: not started, or its end is known */
	int network;                   /* the container's network namespace, -1 unknown */
	int container;                 /* pidfd of the container's first process, -1 unknown */
	bool elements_added;
	bool awaits_name;              /* an interface of the link's name exists on the host */
	bool link_made;
	int link_index;                /* of its host end; 0: there is no link, or not yet */
	bool network_done;
	bool monitor_ready;
	bool failing;
	bool killed;
	struct error failure;
	char failure_step[STEP_NAME_SIZE];
	bool is_abandoned;
	uint32_t abandon_request;
};

void create_begin(struct launcher *launcher, uint32_t request, const void *body, size_t size);

/* Answers `request` once the create of that id is undone; at once when there is none under way. */
void create_abandon(struct launcher *launcher, uint32_t request, const char *id);

/* A child of ours has ended. */
void create_child_ended(struct launcher *launcher, pid_t pid, int status);

/* Some interface of the host is gone. */
void create_link_deleted(struct launcher *launcher);

/* Milliseconds until the next deadline, for epoll_wait(); -1: none. */
int create_next_deadline_ms(const struct launcher *launcher);
void create_expire(struct launcher *launcher);

/* wardend is gone: takes back what monitors cannot. They see their sockets close when we exit. */
void create_drop_all(struct launcher *launcher);

/* create-network.c. Leaves the namespace unknown, without an error, when the process has ended: its monitor will say why. */
int create_open_network(struct create *create, const struct host *host, pid_t pid, struct error *err);
/* 1: done; 0: the link's name is taken; -1. */
int create_connect(struct create *create, const struct host *host, struct error *err);
bool create_link_exists(const struct create *create, const struct host *host);

/* create-undo.c */
void create_fail(struct launcher *launcher, struct create *create, const struct error *problem);
void create_settle(struct launcher *launcher, struct create *create);
void create_undo_expired(struct launcher *launcher, struct create *create);
int create_watch_links(struct launcher *launcher, struct error *err);
void create_release(struct launcher *launcher, struct create *create);

#endif
