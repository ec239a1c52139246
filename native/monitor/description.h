/* The CREATE message as data: what one container is to be. Reading it touches nothing but memory. */
#ifndef WARDEN_MONITOR_DESCRIPTION_H
#define WARDEN_MONITOR_DESCRIPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/codec.h"
#include "monitor/hook-list.h"
#include "monitor/idmap.h"

#define DESCRIPTION_MAX_LOWERS 128
#define DESCRIPTION_MAX_MOUNTS 128
#define DESCRIPTION_MAX_CGROUPS 24
#define DESCRIPTION_MAX_SETTINGS 64
#define DESCRIPTION_MAX_USAGE_FILES 16
#define DESCRIPTION_MAX_UPPER 512
#define DESCRIPTION_MAX_ACCOUNTS 16
#define DESCRIPTION_MAX_USERS 8
#define DESCRIPTION_MAX_SYSLOG_NAME 80   /* fits into a socket's name behind /proc/self/fd/NUMBER/ */

struct volume {
	char *destination;
	char *source;         /* only its last part means anything here */
	uint32_t flags;       /* MOUNT_FLAG_* */
};

struct upper_entry {
	bool directory;
	char *path;           /* relative to the root */
	uint32_t mode;
	uint32_t uid;         /* as seen in the container */
	uint32_t gid;
	const uint8_t *content;   /* in the message */
	size_t size;
};

struct account_file {
	char *path;
	char *name;
	char *line;
};

struct cgroup_setting {
	char *name;
	const uint8_t *content;   /* in the message */
	size_t size;
};

struct cgroup_description {
	char *path;
	uint32_t version;
	struct cgroup_setting *settings;
	size_t setting_count;
	char *controllers;    /* NULL unless nested */
	struct wire_strings usage_files;
};

struct user {
	char *name;
	uint32_t uid;
	uint32_t gid;
	uint32_t privileged;
	char *directory;
	struct wire_strings environment;
};

struct description {
	char *id;
	char *handle;
	char *hostname;
	char *ping_groups;    /* NULL: left as it is */
	uint32_t deadline_ms;
	uint64_t shm_size;
	uint32_t quota_kind;  /* QUOTA_*: how the upper layer is limited; 0: not by quotas */
	uint64_t privileged_capabilities;
	uint32_t nested;      /* 1: nested.h */
	struct id_map map;
	size_t lower_count;
	struct volume *volumes;
	size_t volume_count;
	struct upper_entry *upper;
	size_t upper_count;
	struct account_file *accounts;
	size_t account_count;
	struct cgroup_description *cgroups;
	size_t cgroup_count;
	struct user *users;
	size_t user_count;
	struct hook_list hooks;
	bool has_disk;        /* upper and work directory are in a directory of their own, which comes as a descriptor */
	char *syslog_name;    /* of the socket; its directory comes as a descriptor. NULL: none */
	char *fault_step;     /* NULL: none */
	uint32_t fault_number;
};

/* Reads the body of CREATE. The description points into it. On failure nothing is left to free. */
int description_read(const void *body, size_t size, struct description *ret_description, struct error *err);
void description_free(struct description *description);

#endif
