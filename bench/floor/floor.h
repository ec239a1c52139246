/*
 * What the parts of the floor program share: the set-up that is made once (struct floor) and one container (struct container).
 * ../floor.c has the theory of operation.
 */
#ifndef FLOOR_H
#define FLOOR_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/error.h"

enum {
	FLOOR_MAX_CGROUPS = 16,
	FLOOR_MAX_BINDS = 8,
	FLOOR_MAX_LIVE = 1000,
	FLOOR_MAX_SAMPLES = 20000,
	FLOOR_MAX_WORKERS = 8,
	FLOOR_WAIT_MS = 10000,
	FLOOR_INDEXES = 8000,           /* of the process that reads commands; workers and keeper have those above */
	LIFECYCLE_TIMES = 4,            /* create, run, destroy, removal of the files */
};

/* The container's parts that the parent makes one after the other; the last one waits for the child. */
enum create_step { STEP_FILES, STEP_CGROUPS, STEP_CLONE, STEP_MAPS, STEP_MOUNTS, STEP_LINK, STEP_ADDRESSES, STEP_FIREWALL, STEP_READY, STEP_COUNT };
extern const char *const create_step_names[STEP_COUNT];

struct bind {
	const char *source;
	const char *destination;
};

struct floor {
	/* options */
	const char *depot;
	const char *lower;
	const char *true_program;
	struct bind binds[FLOOR_MAX_BINDS];
	size_t bind_count;
	struct sock_fprog filter;       /* len 0: none */
	bool extended;                  /* with the filter and with files in the upper layer */
	/* made once */
	int depot_fd;
	int trash_fd;
	int dev_fd;                     /* a prepared, read-only tree of device nodes */
	int true_fd;
	int cgroup_fds[FLOOR_MAX_CGROUPS];
	size_t cgroup_count;
	bool cgroup_v2;
	int own_network;
	int route_fd;
	int nft_fd;
	/* Each process that makes containers has a range of indexes of its own, and goes round in it. */
	unsigned int first_index, index_count, used_indexes;
};

struct container {
	unsigned int index;
	pid_t pid;
	int pidfd;
	int control_fd;                 /* SOCK_SEQPACKET to PID 1 */
	bool has_cgroups, has_directory, has_elements;
	double steps[STEP_COUNT];       /* microseconds */
};

enum job_kind { JOB_TRUE, JOB_BASH, JOB_TIMED_BASH };

struct job_result {
	int status;                     /* wait(2)'s */
	double exec_us;                 /* JOB_TIMED_BASH: start to end as PID 1 saw it */
};

double now_us(void);
/* A signal asked the program to end: what waits gives up, what exists is undone. */
bool interrupted(void);
/* Prints the error; always returns -1. */
int report(const struct error *err);

/* set-up, once: floor/setup.c */
int floor_open(struct floor *floor, struct error *err);
void floor_close(struct floor *floor);

/* floor/cgroup.c */
int cgroup_open_parents(struct floor *floor, struct error *err);
void cgroup_remove_parents(struct floor *floor);
/* ret_fds: one descriptor per group through which the container's first process joins it. */
int cgroup_create(const struct floor *floor, unsigned int index, int *ret_fds, struct error *err);
int cgroup_remove(const struct floor *floor, unsigned int index, struct error *err);

/* floor/mounts.c: the parent's part; results are detached mounts */
int mounts_make_dev(const char *place, struct error *err);
int mounts_idmapped(const char *path, int directory, uint64_t attributes, int user_namespace, struct error *err);
int mounts_overlay(const struct floor *floor, unsigned int index, int user_namespace, struct error *err);

/* floor/inside.c: PID 1; does not return */
struct inside {
	const struct floor *floor;
	unsigned int index;
	int control_fd;
	const int *cgroup_fds;
};
_Noreturn void inside_main(const struct inside *inside);

/* floor/jobs.c: PID 1's service of jobs; does not return */
_Noreturn void jobs_serve(int control_fd, int true_fd);
/* vfork, exec and wait of bash with `true` on its standard input; one microsecond value, or -1 */
double jobs_time_bash(bool from_pipe);

/* floor/network.c */
int network_create_link(const struct floor *floor, const struct container *container, int network_namespace, struct error *err);
int network_configure(const struct floor *floor, const struct container *container, int network_namespace, struct error *err);

/* floor/firewall.c */
int firewall_create_table(int nft_fd, struct error *err);
int firewall_delete_table(int nft_fd, struct error *err);
int firewall_change(const struct floor *floor, unsigned int index, bool add, struct error *err);

/* floor/container.c */
int container_create(struct floor *floor, struct container *container, struct error *err);
int container_run(const struct container *container, enum job_kind kind, struct job_result *ret_result, struct error *err);
int container_destroy(struct floor *floor, struct container *container, struct error *err);
/* What may follow later: the files of a destroyed container. */
int container_remove_trash(const struct floor *floor, unsigned int index, struct error *err);
int container_remove_all_trash(const struct floor *floor, struct error *err);

/* floor/measure.c: each prints its line; 0 or -1 */
int lifecycle(struct floor *floor, enum job_kind kind, double ret_times[LIFECYCLE_TIMES], double *ret_steps, struct error *err);
int measure_lifecycles(struct floor *floor, size_t count, useconds_t spacing, enum job_kind kind);
int measure_runs(struct floor *floor, size_t count, useconds_t spacing, enum job_kind kind);
int measure_bash(size_t count, bool from_pipe);

/* floor/rtnl.c: prints its line; 0 or -1 */
int measure_rtnl(double milliseconds);

/* floor/workers.c */
struct keeper {
	pid_t pid;
	int hold_fd;                    /* closed: it destroys what it holds and ends */
};
int measure_cycles(struct floor *floor, unsigned int workers, double milliseconds, enum job_kind kind);
int keeper_start(struct floor *floor, unsigned int count, struct keeper *ret_keeper);
void keeper_end(struct keeper *keeper);

/* How the control socket speaks: a byte each way, descriptors and numbers beside it. */
enum control { CONTROL_GO = 'g', CONTROL_READY = 'r', CONTROL_FAILED = 'f', CONTROL_TRUE = 't', CONTROL_BASH = 'b', CONTROL_TIMED_BASH = 'x', CONTROL_RUNNING = 'o', CONTROL_ENDED = 'e' };

struct control_packet {
	char kind;
	int32_t status;
	double exec_us;
	char text[200];                 /* with CONTROL_FAILED */
};

int control_send(int fd, const struct control_packet *packet, const int *fds, size_t fd_count, struct error *err);
int control_receive(int fd, struct control_packet *ret_packet, int *ret_fds, size_t fd_limit, size_t *ret_fd_count, struct error *err);

/* The map of users and groups: root, the ids below the job's, the job's own, the rest. */
enum { FLOOR_JOB_UID = 10000 };
uint32_t floor_root_id(unsigned int index);

#endif
