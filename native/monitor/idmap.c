#include "monitor/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>

#include "lib/fd.h"

static bool overlap(uint32_t a, uint32_t a_count, uint32_t b, uint32_t b_count)
{
	return (uint64_t)a < (uint64_t)b + b_count && (uint64_t)b < (uint64_t)a + a_count;
}

int id_map_add(struct id_map *map, const struct wire_attribute *attribute, struct error *err)
{
	struct id_range range = { 0 };
	struct wire_reader reader;
	struct wire_attribute part;
	int result;

	wire_reader_enter(&reader, attribute);
	while ((result = wire_next(&reader, &part, err)) > 0) {
		uint32_t *field = part.tag == TAG_INSIDE ? &range.inside : part.tag == TAG_OUTSIDE ? &range.outside :
			part.tag == TAG_COUNT ? &range.count : NULL;

		if (field != NULL && wire_u32(&part, field, err) < 0)
			return -1;
	}
	if (result < 0)
		return -1;
	if (map->count == ID_MAP_MAX)
		return error_set(err, E2BIG, "id map of more than %d ranges", ID_MAP_MAX);
	if (range.count == 0 || (uint64_t)range.inside + range.count > UINT32_MAX || (uint64_t)range.outside + range.count > UINT32_MAX)
		return error_set(err, EINVAL, "id map %u %u %u", range.inside, range.outside, range.count);
	for (size_t i = 0; i < map->count; i++) {
		const struct id_range *other = &map->ranges[i];

		if (overlap(range.inside, range.count, other->inside, other->count) || overlap(range.outside, range.count, other->outside, other->count))
			return error_set(err, EINVAL, "id map %u %u %u overlaps another range", range.inside, range.outside, range.count);
	}
	map->ranges[map->count++] = range;
	return 0;
}

int id_map_to_host(const struct id_map *map, uint32_t inside, uint32_t *ret_outside, struct error *err)
{
	for (size_t i = 0; i < map->count; i++) {
		const struct id_range *range = &map->ranges[i];

		if (inside >= range->inside && inside - range->inside < range->count) {
			*ret_outside = range->outside + (inside - range->inside);
			return 0;
		}
	}
	return error_set(err, EINVAL, "the container has no id %u", inside);
}

ssize_t id_map_format(const struct id_map *map, char *ret_text, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < map->count; i++) {
		const struct id_range *range = &map->ranges[i];
		int count = snprintf(ret_text + used, size - used, "%u %u %u\n", range->inside, range->outside, range->count);

		if (count < 0 || (size_t)count >= size - used)
			return -1;
		used += (size_t)count;
	}
	return (ssize_t)used;
}

int id_map_apply(const struct id_map *map, pid_t pid, struct error *err)
{
	char text[ID_MAP_MAX * 36], path[32];
	ssize_t size = id_map_format(map, text, sizeof(text));

	if (size < 0)
		return error_set(err, E2BIG, "id map");
	snprintf(path, sizeof(path), "/proc/%d", pid);
	_cleanup_close_ int directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (directory < 0)
		return error_set(err, errno, "%s", path);
	if (fd_write_file_at(directory, "uid_map", text, (size_t)size, err) < 0)
		return -1;
	return fd_write_file_at(directory, "gid_map", text, (size_t)size, err);
}
