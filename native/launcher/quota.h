/* Limits and use of disk space by the kernel's quotas. */
#ifndef LAUNCHER_QUOTA_H
#define LAUNCHER_QUOTA_H

#include <stddef.h>
#include <stdint.h>

#include "launcher/launcher.h"
#include "lib/quota.h"

struct quota_order {
	char *path;          /* of a directory of the file system */
	uint32_t kind;
	bool has_id;         /* else it is the project that the directory hands on */
	uint32_t id;
	struct quota_limits limits;
};

/* Pure. On failure, too, the path is the caller's to free. */
int quota_order_read(const void *body, size_t size, struct quota_order *ret_order, struct error *err);

/* A QUOTA message: the limits that it names are set, then everything is read. Answered at once. */
void quota_serve(struct launcher *launcher, uint32_t request, const void *body, size_t size);

#endif
