/* The RUN packet as data. Reading it touches nothing but memory. */
#ifndef WARDEN_WSH_RUN_REQUEST_H
#define WARDEN_WSH_RUN_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/codec.h"

enum { RUN_MAX_ARGUMENTS = 4096, RUN_MAX_ENVIRONMENT = 4096, RUN_MAX_TEXT = 128 << 10, RUN_MAX_PATH = 4096, RUN_MAX_RLIMITS = 16, RUN_MAX_USER = 256 };

struct run_rlimit {
	uint32_t resource;
	uint64_t soft;
	uint64_t hard;
};

struct run_request {
	uint32_t job_id;
	struct wire_strings arguments;     /* at least one */
	struct wire_strings environment;
	char *working_directory;           /* NULL: the root */
	bool require_directory;            /* one that cannot be entered is an error; else the job starts in the root */
	char *user_name;                   /* instead of uid and gid (job-user.h) */
	uint32_t uid;
	uint32_t gid;
	bool privileged;
	bool terminal;
	bool open_input;                   /* standard input is a pipe whose other end the monitor gets */
	uint32_t rows;
	uint32_t columns;
	bool has_cgroup;                   /* a descriptor of the job's cgroup comes after that of standard input, if there is one */
	struct run_rlimit rlimits[RUN_MAX_RLIMITS];
	size_t rlimit_count;
};

/* On failure nothing is left to free. */
int run_request_read(const void *body, size_t size, struct run_request *ret_request, struct error *err);
/* Of text NAME=value. */
int run_request_add_environment(struct run_request *request, const char *text, struct error *err);
void run_request_free(struct run_request *request);

#endif
