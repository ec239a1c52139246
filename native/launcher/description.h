/*
 * What the launcher needs of a CREATE message, read and checked; the rest is the monitor's.
 *
 * Pure: no system call. Texts and keys of elements point into the message, which the caller keeps as long as the description.
 */
#ifndef LAUNCHER_DESCRIPTION_H
#define LAUNCHER_DESCRIPTION_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/codec.h"
#include "lib/error.h"
#include "launcher/firewall.h"
#include "launcher/link.h"

enum {
	DESCRIPTION_ID_SIZE = 65,
	STEP_NAME_SIZE = 64,
	DESCRIPTION_MAX_LOWERS = 128,
	DESCRIPTION_MAX_MOUNTS = 128,
	DESCRIPTION_MAX_CGROUPS = 24,
	DESCRIPTION_MAX_HOOKS = 32,
	DESCRIPTION_MAX_SIZE = 4 << 20,
	DESCRIPTION_DEFAULT_DEADLINE_MS = 30000,
	DESCRIPTION_MAX_DEADLINE_MS = 600000,
};

struct mount_source {
	char *path;
	uint32_t flags;   /* MOUNT_FLAG_* */
};

struct hook_source {
	uint32_t point;   /* HOOK_* */
	char *program;
};

/* The step that is to fail; only builds with WARDEN_FAULTS look at it. */
struct fault {
	char step[STEP_NAME_SIZE];
	uint32_t number;   /* 0: none */
};

struct description {
	uint32_t request;
	uint32_t deadline_ms;
	char id[DESCRIPTION_ID_SIZE];
	char *directory;
	char *disk;            /* NULL: upper and work directory are in the container's directory */
	char *lowers[DESCRIPTION_MAX_LOWERS];
	size_t lower_count;
	struct mount_source mounts[DESCRIPTION_MAX_MOUNTS];
	size_t mount_count;
	char *cgroups[DESCRIPTION_MAX_CGROUPS];
	size_t cgroup_count;
	struct hook_source hooks[DESCRIPTION_MAX_HOOKS];
	size_t hook_count;
	char *syslog_socket;   /* NULL: none */
	bool has_link;
	struct link_description link;
	struct firewall_element *elements;
	size_t element_count;
	struct fault fault;
};

/* TAG_REQUEST alone, which is needed to answer a message that is otherwise malformed. */
int description_read_request(const void *body, size_t size, uint32_t *ret_request, struct error *err);

/* Errors: EBADMSG malformed; EMSGSIZE, E2BIG a limit; EINVAL a value that is refused. Freed with description_free() in any case. */
int description_read(struct description *ret_description, const void *body, size_t size, struct error *err);
void description_free(struct description *description);

/* ELEMENT attributes alone; *ret_elements is the caller's to free. */
int elements_read(const void *body, size_t size, struct firewall_element **ret_elements, size_t *ret_count, struct error *err);

/* ELEMENT and CHAIN attributes of a FIREWALL message; nothing is to be freed after an error. */
int firewall_change_read(const void *body, size_t size, struct firewall_change *ret_change, struct error *err);
void firewall_change_free(struct firewall_change *change);

/* A FAULT attribute. */
int fault_read(struct fault *fault, const struct wire_attribute *nested, struct error *err);

/* Absolute, without empty, "." and ".." components, and not the root itself. */
bool path_is_plain(const char *path);
bool interface_name_is_valid(const char *name);

#endif
