#include "monitor/usage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/fd.h"
#include "monitor/scratch.h"

/* memory.stat, the longest, has 4 KiB. */
#define MAX_TEXT (16u << 10)

void usage_init(struct usage *usage, const struct description *description)
{
	usage->count = 0;
	usage->open = false;
	for (size_t i = 0; i < description->cgroup_count; i++) {
		const struct wire_strings *names = &description->cgroups[i].usage_files;

		for (size_t j = 0; j < names->count && usage->count < USAGE_MAX_FILES; j++) {
			usage->files[usage->count].cgroup = i;
			usage->files[usage->count].fd = -1;
			snprintf(usage->files[usage->count++].name, sizeof(usage->files[0].name), "%s", names->items[j]);
		}
	}
}

static int open_file(const struct cgroup *cgroup, const char *name)
{
	char path[2 * NAME_MAX + 2];

	if (cgroup->name == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/%s", cgroup->name, name);
	return openat(cgroup->parent, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

void usage_open(struct usage *usage, const struct cgroups *cgroups)
{
	if (usage->open)
		return;
	usage->open = true;
	for (size_t i = 0; i < usage->count; i++)
		if (usage->files[i].cgroup < cgroups->count)
			usage->files[i].fd = open_file(&cgroups->items[usage->files[i].cgroup], usage->files[i].name);
}

void usage_close(struct usage *usage)
{
	usage->open = true;
	for (size_t i = 0; i < usage->count; i++)
		usage->files[i].fd = close_fd(usage->files[i].fd);
}

/* The kernel gives such a file as a whole. */
static size_t read_text(int fd, uint8_t *ret_text)
{
	ssize_t count;

	do
		count = pread(fd, ret_text, MAX_TEXT, 0);
	while (count < 0 && errno == EINTR);
	return count < 0 ? 0 : (size_t)count;
}

void usage_put(struct usage *usage, const struct cgroups *cgroups, struct wire_buffer *buffer)
{
	usage_open(usage, cgroups);
	for (size_t i = 0; i < usage->count; i++) {
		/* The text, behind the file's name and a NUL. */
		size_t start = strlen(usage->files[i].name) + 1, size;

		if (usage->files[i].fd < 0)
			continue;
		size = read_text(usage->files[i].fd, scratch + start);
		if (size == 0)
			continue;
		memcpy(scratch, usage->files[i].name, start);
		wire_put_bytes(buffer, TAG_USAGE, scratch, start + size);
	}
}
