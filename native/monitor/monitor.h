/* The monitor's own objects: itself, its jobs, its connections; and which file works on them. */
#ifndef WARDEN_MONITOR_MONITOR_H
#define WARDEN_MONITOR_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/codec.h"
#include "lib/stream.h"
#include "monitor/container.h"
#include "monitor/held-mounts.h"
#include "monitor/loop.h"
#include "monitor/prepared.h"
#include "monitor/spool.h"
#include "monitor/syslog.h"

#define MAX_JOBS 2048u
/* Forgotten jobs of which a background process is left; each holds a cgroup and perhaps two pipes. */
#define MAX_LEFT_JOBS 8192u
#define MAX_CONNECTIONS 2048u
/* Ids of jobs that belong to SHELL and not to wardend. */
#define SHELL_JOB_BIT 0x80000000u

/* Different events that every watcher is told, also one that comes later: the limits that can be clamped, and what can end a job. */
#define MAX_KEPT_EVENTS 64u

struct monitor;
struct job;
struct transfer;
struct job_log;

/* What EVENT carries. */
struct event {
	uint32_t kind;            /* EVENT_* */
	uint32_t job_id;
	uint32_t resource;        /* of RLIMIT_CLAMPED */
	uint64_t hard;
};

/* One of a job's two pipes, or the terminal that it has instead of the first one (output.c). */
struct job_pipe {
	struct source source;     /* fd: the read end, or -1 */
	int write_end;            /* until the job ends: its flags tell packets from a plain pipe */
	bool plain;
	bool behind;              /* it held more than was taken under its last event */
	bool terminal;
	bool resting;             /* of a pipe whose bytes are dropped: not looked at until the timer's next turn */
	uint64_t in_a_row;        /* bytes since the other stream had something */
	uint32_t stream;
	struct job *job;
};

/* What a job reads while its input stays open (input.c). */
struct job_input {
	struct source source;       /* fd: the pipe's write end, or the terminal's master, or -1 */
	struct connection *first;   /* INPUT requests that wait for room, in their order */
	bool watched;
	bool unfinished_line;
	char end[2];                /* of a terminal: what says the end of the file */
	struct job *job;
};

enum job_phase { JOB_PENDING, JOB_STARTING, JOB_STARTED, JOB_OVER };

struct job {
	struct monitor *monitor;
	struct job *next;
	uint32_t id;
	enum job_phase phase;
	bool discard;
	bool over_limit;
	bool terminal;            /* a pty, held by the monitor */
	bool open_input;
	bool timed_out;
	bool out_of_memory;       /* the OOM killer had taken a process of the container when it ended */
	bool forgotten;           /* held only by followers, open pipes or processes that are left */
	bool ending;              /* jobs_end() is at work on it */
	bool forget;              /* when that is done */
	bool killing;             /* its group is being killed until it is empty */
	uint64_t output_limit;
	uint64_t timeout_ms;      /* from the start on; 0: none */
	int64_t timeout_at;       /* deadline.h; 0: none */
	int64_t started_ms;       /* wall clock */
	int64_t ended_ms;
	uint32_t pid;             /* in the container */
	char *command;            /* for LIST; NULL: none */
	uint64_t total;           /* bytes of output that were kept */
	uint64_t stderr_total;    /* of them, those of stderr */
	uint32_t exit_kind;
	uint32_t exit_value;
	bool recorded;            /* there is an exit record */
	uint32_t record_errno;    /* why there is no exit record; 0: there is one, or it was not needed */
	struct spool spool;
	struct job_log *log;      /* NULL: its lines do not go to syslog (job-log.c) */
	struct job_pipe pipes[2];
	struct job_input input;
	struct job_group group;
	struct wire_buffer run;   /* while pending: the RUN packet and its descriptors */
	int run_fds[2];
	size_t run_fd_count;
};

enum connection_phase {
	CONNECTION_IDLE,          /* reads the next request */
	CONNECTION_STARTING,      /* SPAWN or SHELL: until the job runs */
	CONNECTION_FOLLOWING,
	CONNECTION_GIVING_INPUT,  /* until the job has taken it */
	CONNECTION_IN_SHELL,      /* until EXIT */
	CONNECTION_AWAITING_EMPTY,
	CONNECTION_NAMING,        /* until wshd has its new name */
	CONNECTION_WATCHING,
	CONNECTION_DESTROYING,
};

/* The part of an INPUT request that is still to be written. */
struct giving {
	struct job *job;          /* NULL: none */
	struct connection *next;
	const uint8_t *data;      /* in the connection's input, which is not read meanwhile */
	size_t left;
	bool close;               /* afterwards */
	bool ending;              /* `data` is the end of a terminal's input */
};

struct connection {
	struct source source;
	struct monitor *monitor;
	struct connection *next;
	uint32_t watched;         /* what its socket is watched for */
	enum connection_phase phase;
	bool follow;              /* STARTING goes on as FOLLOWING */
	bool tell_dead;           /* DESTROYING: is to hear DEAD still */
	bool forget;              /* the job of SPAWN with EXIT, up to so many bytes of output */
	uint64_t forget_up_to;
	struct job *job;
	uint64_t position;        /* of the next byte of output that is to be sent or passed over */
	uint64_t end;             /* of FOLLOW: UINT64_MAX, or with NO_WAIT where the output ended when it was asked for */
	uint64_t output_up_to;    /* what begins there or later is passed over */
	uint32_t only_stream;     /* STREAM_*, what the other one has is passed over; 0: both */
	bool widened;             /* its socket has a large buffer */
	size_t frame_left;        /* bytes of an OUTPUT whose header was sent; they are in the spool, from position on */
	struct giving giving;
	struct stream_input input;
	struct wire_buffer out;
	size_t out_position;
};

struct monitor {
	struct loop loop;
	struct container container;
	struct source listener;
	struct source wshd;
	struct source pidfd;
	struct source output;     /* the epoll of all pipes, itself a source */
	struct timer output_rest;
	struct source oom;        /* memory-watch.c */
	struct timer oom_again;   /* while the OOM killer may be at work */
	bool out_of_memory;
	struct syslog syslog;
	struct timer accept_again;   /* while there was no descriptor for a connection */
	struct timer timer;       /* starting jobs, groups to kill or to remove, DESTROY */
	struct job *jobs;
	struct prepared prepared;
	struct timer group_timer; /* when the next job's group is made, unless it has got one till then */
	struct wire_buffer run;   /* memory for the next RUN packet; or nothing */
	uint32_t job_count;       /* all, with the forgotten ones */
	uint32_t left_count;      /* the forgotten ones */
	int64_t removal_at;       /* when to try again to remove what is left of forgotten jobs; 0: nothing to do */
	int removal_delay;        /* milliseconds */
	uint32_t next_shell;
	uint32_t naming;          /* number of the last RENAME */
	uint32_t outstanding;     /* RUN packets without an answer */
	int64_t answer_awaited_since;
	int64_t start_deadline;   /* for the next answer of wshd, while any is outstanding */
	uint64_t signals;         /* for all processes, to be sent when wshd takes packets again: bit N - 1 is signal N */
	bool wshd_full;           /* waiting for room in its socket */
	bool empty;               /* wshd has said EMPTY since the last RUNNING */
	bool dead;                /* PID 1 is dead and reaped */
	uint32_t wshd_status;     /* how it ended: a wait status */
	struct event kept[MAX_KEPT_EVENTS];
	uint32_t kept_count;
	bool destroying;
	int64_t destroy_deadline;
	struct held_mounts held_mounts;
	struct transfer *transfers;   /* transfers.c */
	uint32_t transfer_count;
	struct timer transfer_timer;  /* those whose client has gone */
	struct connection *connections;
	uint32_t connection_count;
	uint32_t connection_limit;
};

#endif
