#include "monitor/upper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "lib/deadline.h"
#include "lib/fd.h"
#include "lib/remove.h"
#include "lib/syscalls.h"
#include "monitor/accounts.h"

static const char *const names[] = { "upper", "work", "run", "jobs" };

enum { UPPER, WORK, RUN, JOBS };

int directories_of_layers(const struct container_directories *directories)
{
	return directories->disk >= 0 ? directories->disk : directories->container;
}

static int parent_of(const struct container_directories *directories, unsigned int which)
{
	return which == UPPER || which == WORK ? directories_of_layers(directories) : directories->container;
}

static int make_directory(struct container_directories *directories, unsigned int which, mode_t mode, int *ret_fd, struct error *err)
{
	int parent = parent_of(directories, which);

	if (mkdirat(parent, names[which], mode) < 0)
		return error_set(err, errno, "%s", names[which]);
	directories->made |= 1u << which;
	if (ret_fd != NULL && (*ret_fd = openat(parent, names[which], O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)) < 0)
		return error_set(err, errno, "%s", names[which]);
	return 0;
}

int directories_make_layers(struct container_directories *directories, const struct id_map *map, struct error *err)
{
	uint32_t root;

	if (id_map_to_host(map, 0, &root, err) < 0 || make_directory(directories, UPPER, 0755, &directories->upper, err) < 0 ||
	    make_directory(directories, WORK, 0700, NULL, err) < 0)
		return -1;
	/* The root directory of the container, as it sees it. */
	return fchown(directories->upper, root, root) < 0 ? error_set(err, errno, "upper") : 0;
}

int directories_make_own(struct container_directories *directories, struct error *err)
{
	if (make_directory(directories, RUN, 0700, &directories->run, err) < 0)
		return -1;
	return make_directory(directories, JOBS, 0700, &directories->jobs, err);
}

void directories_remove(struct container_directories *directories)
{
	struct error ignored;

	for (unsigned int i = 4; i-- > 0;)
		if (directories->made & 1u << i)
			remove_tree(parent_of(directories, i), names[i], &ignored);
	directories->made = 0;
	directories->upper = close_fd(directories->upper);
	directories->run = close_fd(directories->run);
	directories->jobs = close_fd(directories->jobs);
	directories->container = close_fd(directories->container);
	directories->disk = close_fd(directories->disk);
}

/* Opens the directory that a path lies in, making what is missing for the container's root. *ret_name is the last component. */
static int open_parent(int upper, char *path, uint32_t owner, int *ret_parent, char **ret_name, struct error *err)
{
	_cleanup_close_ int parent = fcntl(upper, F_DUPFD_CLOEXEC, 0);
	char *slash;

	while (parent >= 0 && (slash = strchr(path, '/')) != NULL) {
		*slash = '\0';
		int next = openat(parent, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

		if (next < 0 && errno == ENOENT) {
			if (mkdirat(parent, path, 0755) < 0 || fchownat(parent, path, owner, owner, AT_SYMLINK_NOFOLLOW) < 0)
				return error_set(err, errno, "%s", path);
			next = openat(parent, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		}
		if (next < 0)
			return error_set(err, errno, "%s", path);
		close_fd(parent);
		parent = next;
		path = slash + 1;
	}
	if (parent < 0)
		return error_set(err, errno, "upper");
	*ret_parent = steal_fd(&parent);
	*ret_name = path;
	return 0;
}

static int write_entry(int upper, const struct description *description, const struct upper_entry *entry, struct error *err)
{
	_cleanup_free_ char *path = strdup(entry->path);
	_cleanup_close_ int parent = -1, fd = -1;
	uint32_t root, uid, gid;
	char *name = NULL;

	if (path == NULL)
		return error_set(err, ENOMEM, "%s", entry->path);
	if (id_map_to_host(&description->map, 0, &root, err) < 0 || id_map_to_host(&description->map, entry->uid, &uid, err) < 0 ||
	    id_map_to_host(&description->map, entry->gid, &gid, err) < 0)
		return -1;
	if (open_parent(upper, path, root, &parent, &name, err) < 0)
		return -1;
	if (entry->directory) {
		if (mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
			return error_set(err, errno, "%s", entry->path);
		fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	} else {
		fd = openat(parent, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	}
	if (fd < 0)
		return error_set(err, errno, "%s", entry->path);
	if (entry->size > 0 && !entry->directory && fd_write_all(fd, entry->content, entry->size, deadline_in_ms(1000), err) < 0)
		return error_set(err, err->number, "%s", entry->path);
	/* The mode last: chown takes setuid bits away. */
	if (fchown(fd, uid, gid) < 0 || fchmod(fd, entry->mode) < 0)
		return error_set(err, errno, "%s", entry->path);
	return 0;
}

/* Whether a layer's directory keeps those of the layers below from being seen. */
static bool covers_those_below(int layer, const char *path)
{
	_cleanup_free_ char *parent = strndup(path, strrchr(path, '/') == NULL ? 0 : (size_t)(strrchr(path, '/') - path));
	_cleanup_close_ int directory = parent == NULL ? -1 : sys_openat2(layer, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW, 0, WARDEN_RESOLVE_IN_ROOT | WARDEN_RESOLVE_NO_MAGICLINKS);
	char value = '\0';

	return directory >= 0 && fgetxattr(directory, "trusted.overlay.opaque", &value, 1) == 1 && value == 'y';
}

/*
 * The image's file from the topmost layer that has anything of that name. Whatever is not a regular file of a sensible size counts as absent:
 * a FIFO would block for ever, a device would do worse, and a whiteout says that there is none.
 */
static int read_image_file(const struct description *description, const int *lowers, const char *path, char **ret_text, size_t *ret_size, struct stat *ret_status, struct error *err)
{
	for (size_t i = 0; i < description->lower_count; i++) {
		_cleanup_close_ int found = sys_openat2(lowers[i], path, O_PATH | O_CLOEXEC | O_NOFOLLOW, 0, WARDEN_RESOLVE_IN_ROOT | WARDEN_RESOLVE_NO_MAGICLINKS);

		if (found < 0 && errno == ENOENT && !(i + 1 < description->lower_count && covers_those_below(lowers[i], path)))
			continue;
		if (found < 0 || fstat(found, ret_status) < 0 || !S_ISREG(ret_status->st_mode) || ret_status->st_size > (off_t)ACCOUNTS_MAX_FILE)
			break;
		/* The open of a device's node alone may do something: only now that it is known to be a file. */
		char self[40];

		snprintf(self, sizeof(self), "/proc/self/fd/%d", found);
		_cleanup_close_ int fd = open(self, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

		if (fd < 0)
			break;
		return fd_read_file(fd, ACCOUNTS_MAX_FILE, ret_text, ret_size, err);
	}
	*ret_status = (struct stat){ .st_mode = S_IFREG | 0644 };
	*ret_size = 0;
	return 0;
}

static int write_account_file(int upper, const struct description *description, const int *lowers, const struct account_file *file, struct error *err)
{
	_cleanup_free_ char *before = NULL, *after = NULL;
	size_t before_size, after_size;
	struct stat status;
	struct error ignored;
	uint32_t unused;

	if (read_image_file(description, lowers, file->path, &before, &before_size, &status, err) < 0)
		return error_set(err, err->number, "the image's %s", file->path);
	if (accounts_replace(before, before_size, file->name, file->line, &after, &after_size, err) < 0)
		return -1;
	/* Layers are id-mapped as a whole: what is group 42 on disk is group 42 in the container. */
	struct upper_entry entry = {
		.path = file->path,
		.mode = status.st_mode & 0666,
		.gid = id_map_to_host(&description->map, status.st_gid, &unused, &ignored) == 0 ? status.st_gid : 0,
		.content = (const uint8_t *)after,
		.size = after_size,
	};

	return write_entry(upper, description, &entry, err);
}

int upper_write(int upper, const struct description *description, const int *lowers, struct error *err)
{
	for (size_t i = 0; i < description->upper_count; i++)
		if (write_entry(upper, description, &description->upper[i], err) < 0)
			return -1;
	for (size_t i = 0; i < description->account_count; i++)
		if (write_account_file(upper, description, lowers, &description->accounts[i], err) < 0)
			return -1;
	return 0;
}
