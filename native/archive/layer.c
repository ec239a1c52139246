#include "archive/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "archive/layer-attributes.h"
#include "archive/layer-times.h"
#include "archive/whiteout.h"
#include "lib/fd.h"
#include "lib/remove.h"

enum { DEPTH_LIMIT = 256 };

int layer_init(struct layer *ret_layer, int root, const struct layer_limits *limits, struct error *err)
{
	const struct tree_policy policy = {
		.entry_limit = limits->entries, .byte_limit = limits->bytes, .depth_limit = DEPTH_LIMIT, .mode_bits = TREE_MODE_SET_ID, .follow_links = true, .make_parents = true,
	};

	*ret_layer = (struct layer){ .times = layer_times_new() };
	tree_writer_init(&ret_layer->writer, root, &policy);
	return ret_layer->times == NULL ? error_set(err, ENOMEM, "layer") : 0;
}

void layer_free(struct layer *layer)
{
	tree_writer_free(&layer->writer);
	layer_times_free(layer->times);
	layer->times = NULL;
}

static int skip(struct layer *layer, const struct tar_entry *entry, const char *why)
{
	if (layer->skipped < LAYER_NOTES)
		snprintf(layer->notes[layer->skipped], LAYER_NOTE_SIZE, "%.150s: %s", entry->path, why);
	layer->skipped++;
	return 0;
}

static struct tree_attributes attributes_of(const struct tar_entry *entry)
{
	return (struct tree_attributes){
		.mode = entry->mode, .has_owner = true, .uid = entry->uid, .gid = entry->gid, .has_time = true, .modified = { .tv_sec = entry->mtime },
	};
}

/* Of two entries with one name the later one counts. A directory is in the way of everything but a directory. */
static int clear(struct layer *layer, int directory, const char *name, struct error *err)
{
	struct stat status;

	if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : error_set(err, errno, "%s", name);
	if (!S_ISDIR(status.st_mode))
		return unlinkat(directory, name, 0) < 0 ? error_set(err, errno, "%s", name) : 0;
	tree_forget_parent(&layer->writer);
	return remove_entries(directory, (char *const[]){ (char *)name }, 1, err);
}

static int write_all_at(int fd, const uint8_t *data, size_t size, uint64_t offset, struct error *err)
{
	while (size > 0) {
		ssize_t count = pwrite(fd, data, size, (off_t)offset);

		if (count < 0)
			return error_set(err, errno, "write");
		data += count;
		size -= (size_t)count;
		offset += (uint64_t)count;
	}
	return 0;
}

static int write_contents(struct layer *layer, struct tar_reader *reader, const struct tar_entry *entry, int fd, struct error *err)
{
	const void *data;
	uint64_t offset;
	size_t size;
	int result;

	while ((result = tar_reader_data(reader, &data, &size, &offset, err)) > 0)
		if (tree_add_bytes(&layer->writer, size, err) < 0 || write_all_at(fd, data, size, offset, err) < 0)
			return -1;
	/* The last hole. */
	if (result == 0 && ftruncate(fd, (off_t)entry->size) < 0)
		return error_set(err, errno, "size");
	return result;
}

static int make_file(struct layer *layer, struct tar_reader *reader, const struct tar_entry *entry, int directory, const char *name, struct error *err)
{
	const struct tree_attributes attributes = attributes_of(entry);
	struct tree_file file;

	if (entry->size > layer->writer.policy.byte_limit)
		return error_set(err, EDQUOT, "a file of %llu bytes", (unsigned long long)entry->size);
	if (tree_begin_file(&layer->writer, directory, name, &file, err) < 0)
		return -1;
	if (write_contents(layer, reader, entry, file.fd, err) < 0) {
		tree_abandon_file(&file);
		return -1;
	}
	if (tree_finish_file(&layer->writer, &file, &attributes, err) < 0)
		return -1;
	/* After the owner, whose change takes capabilities away. */
	return layer_attributes_set(directory, name, entry, err);
}

static int make_directory(struct layer *layer, const struct tar_entry *entry, int directory, const char *name, struct error *err)
{
	struct tree_attributes attributes = attributes_of(entry);
	bool made;
	int opened = -1;

	attributes.has_time = false;
	/* The root has no name. */
	if (name[0] == '\0')
		return tree_finish_directory(&layer->writer, directory, "/", &attributes, err);
	bool was_hidden = whiteout_is(directory, name);

	if (tree_make_directory(&layer->writer, directory, name, &opened, &made, err) < 0)
		return -1;
	_cleanup_close_ int fd = opened;

	/* In place of what was taken away: nothing of that shows through. */
	if (was_hidden && whiteout_cover(directory, name, err) < 0)
		return -1;

	if (tree_finish_directory(&layer->writer, fd, name, &attributes, err) < 0)
		return -1;
	layer_times_note(layer->times, entry->path, entry->mtime);
	return 0;
}

/* A hard link to a symbolic link is another link of that kind: which of the two makes no difference. */
static int link_like(struct layer *layer, int directory, const char *name, int existing_directory, const char *existing, const struct tar_entry *entry, struct error *err)
{
	const struct tree_attributes attributes = attributes_of(entry);
	char target[TAR_PATH_MAX + 1];
	ssize_t size = readlinkat(existing_directory, existing, target, sizeof(target));

	if (size < 0 || size == (ssize_t)sizeof(target))
		return size < 0 && errno == EINVAL ? tree_make_link(&layer->writer, directory, name, existing_directory, existing, err) : error_set(err, size < 0 ? errno : ENAMETOOLONG, "%.200s", entry->target);
	target[size] = '\0';
	return tree_make_symlink(&layer->writer, directory, name, target, &attributes, err);
}

static int make_link(struct layer *layer, const struct tar_entry *entry, struct error *err)
{
	char name[TREE_MAX_NAME + 1], existing[TREE_MAX_NAME + 1];
	int directory, existing_directory;

	if (tree_parent(&layer->writer, entry->target, &existing_directory, existing, err) < 0)
		return -1;
	_cleanup_close_ int held = fcntl(existing_directory, F_DUPFD_CLOEXEC, 0);

	if (held < 0)
		return error_set(err, errno, "%.200s", entry->target);
	if (tree_parent(&layer->writer, entry->path, &directory, name, err) < 0)
		return -1;
	if (existing[0] == '\0' || name[0] == '\0')
		return error_set(err, EINVAL, "a link to the root, or in its place");
	/* One of a device, which was left out too. */
	if (faccessat(held, existing, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return skip(layer, entry, "what it is a link to is not in this layer");
	return link_like(layer, directory, name, held, existing, entry, err);
}

static int make_fifo(struct layer *layer, const struct tar_entry *entry, int directory, const char *name, struct error *err)
{
	if (tree_add_entry(&layer->writer, name, err) < 0)
		return -1;
	if ((unlinkat(directory, name, 0) < 0 && errno != ENOENT) || mkfifoat(directory, name, 0600) < 0)
		return error_set(err, errno, "%s", name);
	if (fchownat(directory, name, entry->uid, entry->gid, AT_SYMLINK_NOFOLLOW) < 0 || fchmodat(directory, name, entry->mode, 0) < 0)
		return error_set(err, errno, "%s", name);
	return 0;
}

static int make_named(struct layer *layer, struct tar_reader *reader, const struct tar_entry *entry, struct error *err)
{
	const struct tree_attributes attributes = attributes_of(entry);
	char name[TREE_MAX_NAME + 1];
	int directory;

	if (tree_parent(&layer->writer, entry->path, &directory, name, err) < 0)
		return -1;
	if (entry->type == TAR_DIRECTORY)
		return make_directory(layer, entry, directory, name, err);
	if (name[0] == '\0')
		return error_set(err, EINVAL, "in place of the root");
	switch (entry->type) {
	case TAR_FILE:
		return make_file(layer, reader, entry, directory, name, err);
	case TAR_SYMLINK:
		return tree_make_symlink(&layer->writer, directory, name, entry->target, &attributes, err);
	default:
		return make_fifo(layer, entry, directory, name, err);
	}
}

static int make(struct layer *layer, struct tar_reader *reader, const struct tar_entry *entry, struct error *err)
{
	return entry->type == TAR_HARD_LINK ? make_link(layer, entry, err) : make_named(layer, reader, entry, err);
}

/* Where a directory on the way was taken away, there is a new one, of which nothing below shows. */
static int replace_whiteouts(struct layer *layer, const char *path, struct error *err)
{
	char prefix[TAR_PATH_MAX + 1], name[TREE_MAX_NAME + 1];
	int directory;

	for (const char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		snprintf(prefix, sizeof(prefix), "%.*s", (int)(slash - path), path);
		if (tree_parent(&layer->writer, prefix, &directory, name, err) < 0)
			return -1;
		if (name[0] == '\0' || !whiteout_is(directory, name))
			continue;
		if (unlinkat(directory, name, 0) < 0 || mkdirat(directory, name, 0755) < 0)
			return error_set(err, errno, "%s", name);
		return whiteout_cover(directory, name, err);
	}
	return error_set(err, ENOTDIR, "a file is in the way");
}

/* What is in the way goes first; then once more. */
static int make_in_place(struct layer *layer, struct tar_reader *reader, const struct tar_entry *entry, struct error *err)
{
	char name[TREE_MAX_NAME + 1];
	int directory, result = make(layer, reader, entry, err);

	if (result < 0 && err->number == ENOTDIR) {
		if (replace_whiteouts(layer, entry->path, err) < 0)
			return -1;
		result = make(layer, reader, entry, err);
	}
	if (result == 0 || err->number != EISDIR)
		return result;
	if (tree_parent(&layer->writer, entry->path, &directory, name, err) < 0 || clear(layer, directory, name, err) < 0)
		return -1;
	return make(layer, reader, entry, err);
}

static int extract(struct layer *layer, struct tar_reader *reader, const struct tar_entry *entry, struct error *err)
{
	if (entry->type == TAR_CHARACTER_DEVICE || entry->type == TAR_BLOCK_DEVICE)
		return skip(layer, entry, "a device");
	int result = whiteout_make(&layer->writer, entry->path, err);

	if (result != 0)
		return result < 0 ? -1 : 0;
	return make_in_place(layer, reader, entry, err);
}

int layer_extract(struct layer *layer, struct tar_reader *reader, struct error *err)
{
	const struct tar_entry *entry;
	int result;

	while ((result = tar_reader_next(reader, &entry, err)) > 0)
		if (extract(layer, reader, entry, err) < 0)
			return error_set(err, err->number, "%.100s: %.130s", entry->path, err->detail);
	if (result < 0 || tar_reader_drain(reader, err) < 0)
		return -1;
	layer_times_set(layer->times, layer->writer.root);
	return 0;
}
