#include "lib/tree-writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/fd.h"
#include "lib/syscalls.h"

enum { DIRECTORY_FLAGS = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW };

void tree_writer_init(struct tree_writer *writer, int root, const struct tree_policy *policy)
{
	*writer = (struct tree_writer){ .policy = *policy, .root = root, .parent = -1 };
}

void tree_writer_free(struct tree_writer *writer)
{
	tree_forget_parent(writer);
}

void tree_forget_parent(struct tree_writer *writer)
{
	writer->parent = close_fd(writer->parent);
}

bool tree_name_is_valid(const char *name)
{
	return name[0] != '\0' && strlen(name) <= TREE_MAX_NAME && strchr(name, '/') == NULL && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static int check_name(const char *name, struct error *err)
{
	return tree_name_is_valid(name) ? 0 : error_set(err, EINVAL, "%s: not a name of an entry", name);
}

int tree_add_entry(struct tree_writer *writer, const char *name, struct error *err)
{
	if (writer->entries >= writer->policy.entry_limit)
		return error_set(err, EDQUOT, "%s: more than %llu entries", name, (unsigned long long)writer->policy.entry_limit);
	writer->entries++;
	return 0;
}

int tree_add_bytes(struct tree_writer *writer, uint64_t count, struct error *err)
{
	if (count > writer->policy.byte_limit - writer->bytes)
		return error_set(err, EDQUOT, "more than %llu bytes", (unsigned long long)writer->policy.byte_limit);
	writer->bytes += count;
	return 0;
}

static void name_temporary(struct tree_writer *writer, char *ret_name, size_t size)
{
	snprintf(ret_name, size, ".warden-%d-%llu.part", (int)getpid(), (unsigned long long)writer->serial++);
}

/* 1: a directory; 0: something else that may be replaced; -1: nothing, or an error (ENOENT). */
static int is_directory(int directory, const char *name, struct error *err)
{
	struct stat status;

	if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return error_set(err, errno, "%s", name);
	return S_ISDIR(status.st_mode);
}

static int set_owner_at(int directory, const char *name, const struct tree_attributes *attributes, struct error *err)
{
	if (!attributes->has_owner)
		return 0;
	if (fchownat(directory, name, attributes->uid, attributes->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return error_set(err, errno, "owner of %s", name);
	return 0;
}

/* A mount that cannot be told is not the one. */
static mode_t mode_for(const struct tree_writer *writer, int fd, mode_t wanted)
{
	mode_t mode = wanted & writer->policy.mode_bits;
	uint64_t mount;

	if ((mode & ~TREE_MODE_PLAIN) == 0 || writer->policy.set_id_mount == 0)
		return mode;
	return sys_mount_id(fd, &mount) == 0 && mount == writer->policy.set_id_mount ? mode : mode & TREE_MODE_PLAIN;
}

/* The owner first: a change of it takes set-id bits away. */
static int set_attributes(const struct tree_writer *writer, int fd, const char *name, const struct tree_attributes *attributes, struct error *err)
{
	if (attributes->has_owner && fchown(fd, attributes->uid, attributes->gid) < 0)
		return error_set(err, errno, "owner of %s", name);
	if (fchmod(fd, mode_for(writer, fd, attributes->mode)) < 0)
		return error_set(err, errno, "mode of %s", name);
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, attributes->modified };

	if (attributes->has_time && futimens(fd, times) < 0)
		return error_set(err, errno, "time of %s", name);
	return 0;
}

int tree_make_directory(struct tree_writer *writer, int directory, const char *name, int *ret_fd, bool *ret_made, struct error *err)
{
	if (check_name(name, err) < 0 || tree_add_entry(writer, name, err) < 0)
		return -1;
	*ret_made = mkdirat(directory, name, 0700) == 0;
	if (!*ret_made && errno == EEXIST) {
		int found = is_directory(directory, name, err);

		if (found < 0)
			return -1;
		if (found == 0) {
			if ((unlinkat(directory, name, 0) < 0 && errno != ENOENT) || mkdirat(directory, name, 0700) < 0)
				return error_set(err, errno, "%s", name);
			*ret_made = true;
		}
	} else if (!*ret_made) {
		return error_set(err, errno, "%s", name);
	}
	*ret_fd = openat(directory, name, DIRECTORY_FLAGS);
	return *ret_fd < 0 ? error_set(err, errno, "%s", name) : 0;
}

int tree_finish_directory(const struct tree_writer *writer, int fd, const char *name, const struct tree_attributes *attributes, struct error *err)
{
	return set_attributes(writer, fd, name, attributes, err);
}

int tree_begin_file(struct tree_writer *writer, int directory, const char *name, struct tree_file *ret_file, struct error *err)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;

	if (check_name(name, err) < 0 || tree_add_entry(writer, name, err) < 0)
		return -1;
	*ret_file = (struct tree_file){ .fd = -1, .directory = directory };
	memcpy(ret_file->name, name, strlen(name) + 1);
	ret_file->fd = openat(directory, name, flags, 0600);
	if (ret_file->fd < 0 && errno == EEXIST) {
		int found = is_directory(directory, name, err);

		if (found > 0)
			return error_set(err, EISDIR, "%s", name);
		if (found < 0 && err->number != ENOENT)
			return -1;
		ret_file->replacing = true;
		name_temporary(writer, ret_file->temporary, sizeof(ret_file->temporary));
		ret_file->fd = openat(directory, ret_file->temporary, flags, 0600);
	}
	return ret_file->fd < 0 ? error_set(err, errno, "%s", name) : 0;
}

void tree_abandon_file(struct tree_file *file)
{
	if (file->fd < 0)
		return;
	file->fd = close_fd(file->fd);
	unlinkat(file->directory, file->replacing ? file->temporary : file->name, 0);
}

int tree_finish_file(struct tree_writer *writer, struct tree_file *file, const struct tree_attributes *attributes, struct error *err)
{
	int result = set_attributes(writer, file->fd, file->name, attributes, err);

	if (result == 0 && file->replacing && renameat(file->directory, file->temporary, file->directory, file->name) < 0)
		result = error_set(err, errno, "%s", file->name);
	if (result < 0)
		tree_abandon_file(file);
	else
		file->fd = close_fd(file->fd);
	return result;
}

/* What stands in the way is replaced by something that cannot be made under a name that exists. */
static int replace(struct tree_writer *writer, int directory, const char *name, int (*make)(void *context, const char *name), void *context, struct error *err)
{
	char temporary[48];

	if (make(context, name) == 0)
		return 0;
	if (errno != EEXIST)
		return error_set(err, errno, "%s", name);
	int found = is_directory(directory, name, err);

	if (found > 0)
		return error_set(err, EISDIR, "%s", name);
	if (found < 0 && err->number != ENOENT)
		return -1;
	name_temporary(writer, temporary, sizeof(temporary));
	if (make(context, temporary) < 0)
		return error_set(err, errno, "%s", name);
	if (renameat(directory, temporary, directory, name) < 0) {
		error_set(err, errno, "%s", name);
		unlinkat(directory, temporary, 0);
		return -1;
	}
	/* A rename between two names of one file does nothing, and both stay. */
	unlinkat(directory, temporary, 0);
	return 0;
}

struct link_context {
	int directory;
	const char *target;
	int existing_directory;
};

static int make_symlink(void *context, const char *name)
{
	const struct link_context *link = context;

	return symlinkat(link->target, link->directory, name);
}

static int make_link(void *context, const char *name)
{
	const struct link_context *link = context;

	return linkat(link->existing_directory, link->target, link->directory, name, 0);
}

int tree_make_symlink(struct tree_writer *writer, int directory, const char *name, const char *target, const struct tree_attributes *attributes, struct error *err)
{
	struct link_context context = { .directory = directory, .target = target };

	if (check_name(name, err) < 0 || tree_add_entry(writer, name, err) < 0)
		return -1;
	if (target[0] == '\0' || strlen(target) >= PATH_MAX)
		return error_set(err, EINVAL, "%s: a link to nothing, or to more than a path", name);
	if (replace(writer, directory, name, make_symlink, &context, err) < 0)
		return -1;
	return set_owner_at(directory, name, attributes, err);
}

int tree_make_link(struct tree_writer *writer, int directory, const char *name, int existing_directory, const char *existing_name, struct error *err)
{
	struct link_context context = { .directory = directory, .target = existing_name, .existing_directory = existing_directory };
	struct stat status;

	if (check_name(name, err) < 0 || check_name(existing_name, err) < 0 || tree_add_entry(writer, name, err) < 0)
		return -1;
	if (fstatat(existing_directory, existing_name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return error_set(err, errno, "%s", existing_name);
	if (!S_ISREG(status.st_mode))
		return error_set(err, EINVAL, "%s: a hard link to what is not a file", existing_name);
	return replace(writer, directory, name, make_link, &context, err);
}

/* Copies the components of a path, without what counts as nothing, and finds where the last one begins. */
static int split(const struct tree_writer *writer, const char *path, char *ret_parent, char *ret_name, struct error *err)
{
	unsigned int depth = 0;
	size_t length = 0, last = 0;

	ret_parent[0] = ret_name[0] = '\0';
	while (*path != '\0') {
		size_t size = strcspn(path, "/");

		if (size > 0 && !(size == 1 && path[0] == '.')) {
			if (size == 2 && path[0] == '.' && path[1] == '.')
				return error_set(err, EINVAL, "\"..\" in a path");
			if (size > TREE_MAX_NAME || length + size + 2 > PATH_MAX)
				return error_set(err, ENAMETOOLONG, "%.100s", path);
			if (++depth > writer->policy.depth_limit)
				return error_set(err, ELOOP, "more than %u levels of directories", writer->policy.depth_limit);
			last = length;
			if (length > 0)
				ret_parent[length++] = '/';
			memcpy(ret_parent + length, path, size);
			length += size;
		}
		path += size;
		path += *path == '/';
	}
	ret_parent[length] = '\0';
	const char *name = last > 0 ? ret_parent + last + 1 : ret_parent;

	memcpy(ret_name, name, strlen(name) + 1);
	ret_parent[last] = '\0';
	return 0;
}

static int open_below(const struct tree_writer *writer, const char *path)
{
	const uint64_t resolve = writer->policy.follow_links ? WARDEN_RESOLVE_IN_ROOT : WARDEN_RESOLVE_BENEATH | WARDEN_RESOLVE_NO_SYMLINKS;

	return sys_openat2(writer->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, resolve | WARDEN_RESOLVE_NO_MAGICLINKS);
}

/* Each missing directory in turn; `path` is written to and left as it was. */
static int make_parents(struct tree_writer *writer, char *path, struct error *err)
{
	_cleanup_close_ int directory = fcntl(writer->root, F_DUPFD_CLOEXEC, 0);
	char *at = path;

	while (directory >= 0 && at != NULL) {
		char *slash = strchr(at, '/');

		if (slash != NULL)
			*slash = '\0';
		int next = open_below(writer, path);

		if (next < 0 && errno == ENOENT) {
			if (tree_add_entry(writer, at, err) < 0)
				return -1;
			next = mkdirat(directory, at, 0755) < 0 ? -1 : openat(directory, at, DIRECTORY_FLAGS);
		}
		if (next < 0)
			return error_set(err, errno, "%.200s", path);
		close_fd(directory);
		directory = next;
		if (slash != NULL)
			*slash = '/';
		at = slash == NULL ? NULL : slash + 1;
	}
	return directory < 0 ? error_set(err, errno, "%.200s", path) : steal_fd(&directory);
}

int tree_parent(struct tree_writer *writer, const char *path, int *ret_directory, char *ret_name, struct error *err)
{
	char parent[PATH_MAX];

	if (split(writer, path, parent, ret_name, err) < 0)
		return -1;
	if (parent[0] == '\0') {
		*ret_directory = writer->root;
		return 0;
	}
	if (writer->parent < 0 || strcmp(parent, writer->parent_path) != 0) {
		tree_forget_parent(writer);
		int directory = open_below(writer, parent);

		if (directory < 0 && errno == ENOENT && writer->policy.make_parents)
			directory = make_parents(writer, parent, err);
		else if (directory < 0)
			error_set(err, errno, "%.200s", parent);
		if (directory < 0)
			return -1;
		writer->parent = directory;
		memcpy(writer->parent_path, parent, strlen(parent) + 1);
	}
	*ret_directory = writer->parent;
	return 0;
}
