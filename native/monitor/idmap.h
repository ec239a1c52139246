/* The map between ids in the container and ids on the host; the same for users and groups. */
#ifndef WARDEN_MONITOR_IDMAP_H
#define WARDEN_MONITOR_IDMAP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/codec.h"
#include "lib/error.h"

#define ID_MAP_MAX 16   /* the kernel takes 340 */

struct id_range {
	uint32_t inside;
	uint32_t outside;
	uint32_t count;
};

struct id_map {
	struct id_range ranges[ID_MAP_MAX];
	size_t count;
};

/* Adds the range of an ID_MAP attribute; ranges that are empty, overflow or overlap are EINVAL. */
int id_map_add(struct id_map *map, const struct wire_attribute *attribute, struct error *err);
/* The host's id, or EINVAL when the container has no such id. */
int id_map_to_host(const struct id_map *map, uint32_t inside, uint32_t *ret_outside, struct error *err);
/* The text for /proc/PID/uid_map. Returns its length, or -1 when size is too small. */
ssize_t id_map_format(const struct id_map *map, char *ret_text, size_t size);
/* Writes both maps of a process that was just cloned into a new user namespace. */
int id_map_apply(const struct id_map *map, pid_t pid, struct error *err);

#endif
