/*
 * What the next job will need, made while the one before it runs: its cgroup, under a name that is no job's, or that of a job which has left no process in
 * it; and the file for its script. Both take time that nobody has to wait for. Where there is nothing prepared, everything is made when it is needed.
 */
#ifndef WARDEN_MONITOR_PREPARED_H
#define WARDEN_MONITOR_PREPARED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"
#include "monitor/job-group.h"

struct prepared {
	struct job_group group;   /* directory -1: there is none */
	int join;
	bool blocked;             /* there will be none: a job keeps that name for its group, or groups cannot be renamed here */
	int script;               /* a file of one byte, open for writing, that can be sealed; -1: there is none */
	int input;                /* the same, opened for reading */
	int last_join;            /* the file that the job which began last has joined its group by; -1: it is closed */
	uint32_t last_job;
};

void prepared_init(struct prepared *prepared);
/* Make what is missing, as far as it goes. */
void prepared_make_script(struct prepared *prepared);
void prepared_make_group(struct prepared *prepared, const struct cgroups *cgroups);
/* Whether prepared_make_group() has anything to do. */
bool prepared_lacks_group(const struct prepared *prepared);
/* The job has begun, and nobody needs this any more but its group, when it becomes the next one's. Takes `join` over. */
void prepared_keep_join(struct prepared *prepared, uint32_t job_id, int join);
/* The job has ended. Its group becomes the next one's, if no process is left in it and none is prepared. False: it is the caller's still. */
bool prepared_take_back(struct prepared *prepared, const struct cgroups *cgroups, uint32_t job_id, struct job_group *group, bool empty);
/* job_group_make(), with what is prepared, which has its name still to get. */
int prepared_take_group(struct prepared *prepared, const struct cgroups *cgroups, uint32_t job_id, struct job_group *ret_group, int *ret_join, struct error *err);
/* Gives the group of a job its name, if it has it not: to be called before the next one is prepared. */
void prepared_name_group(struct prepared *prepared, const struct cgroups *cgroups, struct job_group *group, uint32_t job_id);
/* A descriptor that reads the script, from its beginning; nobody can write to it any more. */
int prepared_take_script(struct prepared *prepared, const void *script, size_t size, struct error *err);
/* Removes the cgroup. Returns 0, or -1 with err when it is still there. */
int prepared_drop(struct prepared *prepared, const struct cgroups *cgroups, struct error *err);

#endif
