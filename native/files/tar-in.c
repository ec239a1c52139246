/*
 * TAR_IN: OK when the directory is open, CONTENT* and CONTENT_END from the client, OK {LENGTH, POSITION (entries), LINE* (notes)}.
 *
 * An archive's paths are nobody's to believe: entries are made by lib/tree-writer.h below the directory, and one whose path has `..` in it, or leads over
 * a symbolic link, is left out with a note, like devices and FIFOs. What the archive says of directories is done last, so that one that nobody may write
 * to can be filled.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "files/content.h"
#include "files/notes.h"
#include "files/operations.h"
#include "files/paths.h"
#include "files/reply.h"
#include "files/request.h"
#include "lib/fd.h"
#include "lib/tree-writer.h"
#include "tar/tar-reader.h"

enum { MAX_DEPTH = 256, MAX_LATER_BYTES = 16 << 20 };

struct later {
	struct later *next;
	struct tree_attributes attributes;
	char path[];
};

struct extraction {
	struct tree_writer writer;
	struct tar_reader reader;
	struct notes notes;
	struct later *directories;   /* the last one first */
	size_t later_bytes;
	bool keep_owner;
};

static struct tree_attributes attributes_of(const struct extraction *extraction, const struct tar_entry *entry)
{
	return (struct tree_attributes){
		.mode = entry->mode, .has_owner = extraction->keep_owner, .uid = entry->uid, .gid = entry->gid, .has_time = true,
		.modified = { .tv_sec = (time_t)entry->mtime, .tv_nsec = (long)entry->mtime_ns },
	};
}

static int remember(struct extraction *extraction, const struct tar_entry *entry, struct error *err)
{
	size_t size = sizeof(struct later) + strlen(entry->path) + 1;

	/* One more would cost memory that the container may not have: it keeps mode 0700. */
	if (extraction->later_bytes + size > MAX_LATER_BYTES) {
		notes_add(&extraction->notes, entry->path, "too many directories: its mode was not set");
		return 0;
	}
	struct later *later = malloc(size);

	if (later == NULL)
		return error_set(err, ENOMEM, "directory");
	later->attributes = attributes_of(extraction, entry);
	strcpy(later->path, entry->path);
	later->next = extraction->directories;
	extraction->directories = later;
	extraction->later_bytes += size;
	return 0;
}

static int finish_directory(struct extraction *extraction, const struct later *later, struct error *err)
{
	char name[TREE_MAX_NAME + 1];
	int directory;

	if (tree_parent(&extraction->writer, later->path, &directory, name, err) < 0)
		return -1;
	_cleanup_close_ int fd = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return error_set(err, errno, "%.200s", later->path);
	return tree_finish_directory(&extraction->writer, fd, name, &later->attributes, err);
}

/* What the container has done to a directory meanwhile is its own affair. */
static void finish_directories(struct extraction *extraction)
{
	struct error problem;

	while (extraction->directories != NULL) {
		struct later *later = extraction->directories;

		if (finish_directory(extraction, later, &problem) < 0)
			notes_add(&extraction->notes, later->path, "the directory's mode, owner or time could not be set");
		extraction->directories = later->next;
		free(later);
	}
}

static int make_directory(struct extraction *extraction, int directory, const char *name, const struct tar_entry *entry, struct error *err)
{
	bool made;
	int fd;

	if (name[0] == '\0')
		return 0;
	if (tree_make_directory(&extraction->writer, directory, name, &fd, &made, err) < 0)
		return -1;
	close_fd(fd);
	return made ? remember(extraction, entry, err) : 0;
}

static int write_at(int fd, const uint8_t *data, size_t size, uint64_t offset, const char *path, struct error *err)
{
	while (size > 0) {
		ssize_t count = pwrite(fd, data, size, (off_t)offset);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return error_set(err, errno, "%.200s", path);
		data += count;
		size -= (size_t)count;
		offset += (uint64_t)count;
	}
	return 0;
}

/* Holes stay holes. */
static int write_content(struct extraction *extraction, int fd, const struct tar_entry *entry, struct error *err)
{
	const void *data;
	uint64_t offset, end = 0;
	size_t size;
	int result;

	while ((result = tar_reader_data(&extraction->reader, &data, &size, &offset, err)) > 0) {
		if (tree_add_bytes(&extraction->writer, size, err) < 0 || write_at(fd, data, size, offset, entry->path, err) < 0)
			return -1;
		end = offset + size;
	}
	if (result == 0 && end < entry->size && ftruncate(fd, (off_t)entry->size) < 0)
		return error_set(err, errno, "%.200s", entry->path);
	return result;
}

static int make_file(struct extraction *extraction, int directory, const char *name, const struct tar_entry *entry, struct error *err)
{
	struct tree_attributes attributes = attributes_of(extraction, entry);
	struct tree_file file;

	if (tree_begin_file(&extraction->writer, directory, name, &file, err) < 0)
		return -1;
	if (write_content(extraction, file.fd, entry, err) < 0) {
		tree_abandon_file(&file);
		return -1;
	}
	return tree_finish_file(&extraction->writer, &file, &attributes, err);
}

/* The other name is of the same archive, or was there before: below the directory in any case. */
static int make_link(struct extraction *extraction, const struct tar_entry *entry, struct error *err)
{
	char existing_name[TREE_MAX_NAME + 1], name[TREE_MAX_NAME + 1];
	int found, directory;

	if (tree_parent(&extraction->writer, entry->target, &found, existing_name, err) < 0)
		return -1;
	_cleanup_close_ int existing = fcntl(found, F_DUPFD_CLOEXEC, 0);

	if (existing < 0)
		return error_set(err, errno, "%.200s", entry->target);
	if (tree_parent(&extraction->writer, entry->path, &directory, name, err) < 0)
		return -1;
	return tree_make_link(&extraction->writer, directory, name, existing, existing_name, err);
}

static int make_entry(struct extraction *extraction, const struct tar_entry *entry, struct error *err)
{
	struct tree_attributes attributes = attributes_of(extraction, entry);
	char name[TREE_MAX_NAME + 1];
	int directory;

	switch (entry->type) {
	case TAR_HARD_LINK:
		return make_link(extraction, entry, err);
	case TAR_FILE:
	case TAR_DIRECTORY:
	case TAR_SYMLINK:
		break;
	default:
		notes_add(&extraction->notes, entry->path, "left out: no file, directory or link");
		return 0;
	}
	if (tree_parent(&extraction->writer, entry->path, &directory, name, err) < 0)
		return -1;
	if (entry->type == TAR_DIRECTORY)
		return make_directory(extraction, directory, name, entry, err);
	if (entry->type == TAR_FILE)
		return make_file(extraction, directory, name, entry, err);
	return tree_make_symlink(&extraction->writer, directory, name, entry->target, &attributes, err);
}

/* What an archive must not ask for is no reason to give up the rest of it. */
static bool is_left_out(const struct error *problem, const char **ret_why)
{
	switch (problem->number) {
	case EINVAL:
		*ret_why = "left out: not a path below the directory";
		return true;
	case ELOOP:
		*ret_why = "left out: its path leads over a symbolic link, or too deep";
		return true;
	case ENOTDIR:
		*ret_why = "left out: something on its path is no directory";
		return true;
	case EISDIR:
		*ret_why = "left out: a directory is in its place";
		return true;
	default:
		return false;
	}
}

/* Whichever limit an archive breaks, to its sender it is damaged. */
static int next_entry(struct extraction *extraction, const struct tar_entry **ret_entry, struct error *err)
{
	int result = tar_reader_next(&extraction->reader, ret_entry, err);

	if (result < 0 && (err->number == E2BIG || err->number == ERANGE))
		err->number = EBADMSG;
	return result;
}

static int extract(struct extraction *extraction, struct error *err)
{
	const struct tar_entry *entry;
	const char *why;
	int result;

	while ((result = next_entry(extraction, &entry, err)) > 0) {
		if (make_entry(extraction, entry, err) == 0)
			continue;
		if (!is_left_out(err, &why))
			return -1;
		notes_add(&extraction->notes, entry->path, why);
	}
	return result < 0 ? -1 : tar_reader_drain(&extraction->reader, err);
}

static void forget_directories(struct extraction *extraction)
{
	while (extraction->directories != NULL) {
		struct later *later = extraction->directories;

		extraction->directories = later->next;
		free(later);
	}
}

static int send_end(const struct transfer *transfer, const struct extraction *extraction, struct error *err)
{
	struct wire_buffer buffer = { 0 };

	wire_begin(&buffer, WIRE_OK);
	wire_put_u64(&buffer, TAG_LENGTH, extraction->writer.bytes);
	wire_put_u64(&buffer, TAG_POSITION, extraction->writer.entries);
	notes_put(&extraction->notes, &buffer);
	return reply_send(transfer, &buffer, err);
}

int serve_tar_in(struct transfer *transfer, struct error *err)
{
	static struct extraction extraction;
	_cleanup_request_ struct request request;
	static struct content_input input;

	if (request_read(transfer, &request, err) < 0)
		return -1;
	err->step = "extract archive";
	extraction.keep_owner = request.flags & TRANSFER_FLAG_KEEP_OWNER;
	if (extraction.keep_owner && !transfer->privileged)
		return error_set(err, EPERM, "owners of the archive's: only root can have them");
	_cleanup_close_ int root = paths_open(transfer, request.path, O_RDONLY | O_DIRECTORY, 0, err);

	if (root < 0 || reply_ok(transfer, err) < 0)
		return -1;
	const struct tree_policy policy = {
		.entry_limit = request.entry_limit, .byte_limit = request.byte_limit, .depth_limit = MAX_DEPTH,
		.mode_bits = request.flags & TRANSFER_FLAG_KEEP_SETID ? TREE_MODE_SET_ID : TREE_MODE_PLAIN, .set_id_mount = transfer->root_mount,
		.make_parents = true,
	};

	content_input_init(&input, transfer);
	tree_writer_init(&extraction.writer, root, &policy);
	int result = tar_reader_init(&extraction.reader, content_take, &input, err);

	if (result == 0)
		result = extract(&extraction, err);

	if (result == 0)
		finish_directories(&extraction);
	forget_directories(&extraction);
	tree_writer_free(&extraction.writer);
	tar_reader_free(&extraction.reader);
	return result < 0 ? -1 : send_end(transfer, &extraction, err);
}
