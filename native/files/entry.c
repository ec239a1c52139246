#include "files/entry.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_TARGET = 4096 };

static uint32_t kind_of(mode_t mode)
{
	return S_ISREG(mode) ? ENTRY_FILE : S_ISDIR(mode) ? ENTRY_DIRECTORY : S_ISLNK(mode) ? ENTRY_LINK : ENTRY_OTHER;
}

void entry_put(struct wire_buffer *buffer, const char *name, const struct stat *status, const char *target)
{
	size_t opened = wire_open(buffer, TAG_ENTRY);

	if (name != NULL)
		wire_put_string(buffer, TAG_NAME, name);
	wire_put_u32(buffer, TAG_ENTRY_KIND, kind_of(status->st_mode));
	wire_put_u32(buffer, TAG_MODE, status->st_mode & 07777);
	wire_put_u32(buffer, TAG_UID, status->st_uid);
	wire_put_u32(buffer, TAG_GID, status->st_gid);
	wire_put_u32(buffer, TAG_COUNT, status->st_nlink > UINT32_MAX ? UINT32_MAX : (uint32_t)status->st_nlink);
	wire_put_u64(buffer, TAG_FILE_SIZE, (uint64_t)status->st_size);
	wire_put_u64(buffer, TAG_MODIFIED_NS, (uint64_t)status->st_mtim.tv_sec * 1000000000u + (uint64_t)status->st_mtim.tv_nsec);
	if (target != NULL)
		wire_put_string(buffer, TAG_TARGET, target);
	wire_close(buffer, opened);
}

char *entry_read_link(int parent, const char *name)
{
	char target[MAX_TARGET + 1];
	ssize_t size = readlinkat(parent, name, target, MAX_TARGET);

	return size < 0 ? NULL : strndup(target, (size_t)size);
}
