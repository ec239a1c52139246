#include "archive/layer-attributes.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <string.h>
#include <sys/xattr.h>

#include "lib/fd.h"

enum { VALUE_MAX = 4096 };

/* Revision 2, as setcap writes it: revision 3 names a user of another machine. */
static bool are_capabilities(const struct tar_xattr *xattr)
{
	uint32_t magic;

	if (xattr->size != XATTR_CAPS_SZ_2)
		return false;
	memcpy(&magic, xattr->value, sizeof(magic));
	return (magic & VFS_CAP_REVISION_MASK) == VFS_CAP_REVISION_2;
}

static bool is_taken(const struct tar_xattr *xattr)
{
	if (strcmp(xattr->name, "security.capability") == 0)
		return are_capabilities(xattr);
	return strncmp(xattr->name, "user.", 5) == 0 && strncmp(xattr->name, "user.overlay.", 13) != 0 && xattr->size <= VALUE_MAX && strlen(xattr->name) <= 255;
}

int layer_attributes_set(int directory, const char *name, const struct tar_entry *entry, struct error *err)
{
	_cleanup_close_ int fd = -1;

	for (size_t i = 0; i < entry->xattr_count; i++) {
		const struct tar_xattr *xattr = &entry->xattrs[i];

		if (!is_taken(xattr))
			continue;
		if (fd < 0 && (fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)) < 0)
			return error_set(err, errno, "%s", name);
		/* ENOSPC: ext4 has room for a few. */
		if (fsetxattr(fd, xattr->name, xattr->value, xattr->size, 0) < 0 && strcmp(xattr->name, "security.capability") == 0)
			return error_set(err, errno, "capabilities of %s", name);
	}
	return 0;
}
