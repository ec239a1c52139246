/* Followers: connections that get a job's output from their position on, each at its own pace; only a slow one itself waits. */
#ifndef WARDEN_MONITOR_FOLLOW_H
#define WARDEN_MONITOR_FOLLOW_H

#include "monitor/monitor.h"
#include "monitor/parameters.h"

/* Answers FOLLOW with OK, and goes on from its position: to the end of the job, or (no_wait) to what is there now. EINVAL: beyond the output. */
int follow_begin(struct connection *connection, struct job *job, const struct parameters *parameters, struct error *err);
/* The job's next bytes, already in the spool: straight to the followers that have read everything before them. */
void follow_output(struct job *job, uint64_t position, uint32_t stream, const uint8_t *data, size_t size);
/* Sends what there is until the socket is full; EXIT at the end of a job that is over. Called when there is room again. */
void follow_feed(struct connection *connection);
/* The job is over: everyone who has it all gets EXIT. */
void follow_end(struct job *job);
bool follow_has_followers(const struct job *job);
/* Whether a follower will be told of the job's end. */
bool follow_is_awaited(const struct job *job);

#endif
