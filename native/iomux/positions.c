#include "iomux/positions.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/replace.h"

enum { TEXT_MAX = 256, VERSION = 1 };

static int format(const struct positions *positions, char *ret_text)
{
	int size = snprintf(ret_text, TEXT_MAX, "iomux %d %" PRIu64 "\n", VERSION, positions->position);

	for (int i = 0; i < 2; i++) {
		const struct target *target = &positions->targets[i];

		if (target->regular)
			size += snprintf(ret_text + size, TEXT_MAX - (size_t)size, "file %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", target->device, target->inode, target->size);
		else
			size += snprintf(ret_text + size, TEXT_MAX - (size_t)size, "stream\n");
	}
	return size;
}

static const char *parse_target(const char *line, struct target *ret_target)
{
	*ret_target = (struct target){ 0 };
	if (strncmp(line, "stream\n", 7) == 0)
		return line + 7;
	ret_target->regular = sscanf(line, "file %20" SCNu64 " %20" SCNu64 " %20" SCNu64, &ret_target->device, &ret_target->inode, &ret_target->size) == 3;
	const char *end = strchr(line, '\n');

	return ret_target->regular && end != NULL ? end + 1 : NULL;
}

int positions_parse(const char *text, size_t size, struct positions *ret_positions, struct error *err)
{
	char copy[TEXT_MAX], again[TEXT_MAX];
	int version;

	if (size >= TEXT_MAX)
		return error_set(err, EBADMSG, "longer than %d bytes", TEXT_MAX - 1);
	memcpy(copy, text, size);
	copy[size] = '\0';
	if (sscanf(copy, "iomux %9d %20" SCNu64, &version, &ret_positions->position) != 2)
		return error_set(err, EBADMSG, "no positions of iomux-link");
	if (version != VERSION)
		return error_set(err, EBADMSG, "positions of version %d, this iomux-link knows %d", version, VERSION);
	const char *next = strchr(copy, '\n');

	for (int i = 0; i < 2 && next != NULL; i++)
		next = parse_target(next + (i == 0), &ret_positions->targets[i]);
	/* sscanf takes signs, spaces and overflows: only what we would have written counts. */
	if (next == NULL || format(ret_positions, again) != (int)size || memcmp(again, text, size) != 0)
		return error_set(err, EBADMSG, "damaged");
	return 0;
}

int positions_read(const char *path, struct positions *ret_positions, struct error *err)
{
	char text[TEXT_MAX];
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	*ret_positions = (struct positions){ 0 };
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return error_set(err, errno, "%.200s", path);
	ssize_t size = read(fd, text, sizeof(text));

	if (size < 0)
		return error_set(err, errno, "%.200s", path);
	struct error problem = { 0 };

	if (positions_parse(text, (size_t)size, ret_positions, &problem) < 0)
		return error_set(err, problem.number, "%.150s: %.80s", path, problem.detail);
	return 0;
}

int positions_write(const char *path, const struct positions *positions, struct error *err)
{
	char text[TEXT_MAX];

	return file_replace(path, text, (size_t)format(positions, text), err);
}

int target_look(int fd, struct target *ret_target, struct error *err)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return error_set(err, errno, "descriptor %d", fd);
	*ret_target = (struct target){ 0 };
	if (S_ISREG(status.st_mode))
		*ret_target = (struct target){ .regular = true, .device = status.st_dev, .inode = status.st_ino, .size = (uint64_t)status.st_size };
	return 0;
}

uint64_t target_growth(const struct target *before, const struct target *now)
{
	if (!before->regular || !now->regular || before->device != now->device || before->inode != now->inode || before->size > now->size)
		return 0;
	return now->size - before->size;
}
