/*
 * TAR_OUT {PATH, TARGET? (its name in the archive)} → OK, CONTENT*, CONTENT_END {LENGTH, POSITION (entries), LINE* (notes)}.
 *
 * Files, directories and symbolic links; hard links as files of their own. Everything is opened by one name in a directory whose descriptor is held, without
 * following a link, so that what the container renames meanwhile leads nowhere. What is not of these kinds, or cannot be read, is left out with a note.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "files/content.h"
#include "files/entry.h"
#include "files/notes.h"
#include "files/operations.h"
#include "files/paths.h"
#include "files/reply.h"
#include "files/request.h"
#include "lib/fd.h"
#include "tar/tar-writer.h"

enum { MAX_DEPTH = 200, OPEN_FLAGS = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC };

struct packing {
	struct content_output output;
	struct tar_writer writer;
	struct notes notes;
	uint64_t entries;
	uint32_t mode_bits;
	char path[TAR_PATH_MAX + 1];   /* of what is being packed, in the archive */
};

static void closedirp(DIR **stream)
{
	if (*stream != NULL)
		closedir(*stream);
}

static int put_header(struct packing *packing, enum tar_type type, const char *target, const struct stat *status, struct error *err)
{
	const struct tar_entry entry = {
		.type = type, .path = packing->path, .target = target, .mode = status->st_mode & packing->mode_bits, .uid = status->st_uid, .gid = status->st_gid,
		.size = type == TAR_FILE ? (uint64_t)status->st_size : 0, .mtime = status->st_mtim.tv_sec, .mtime_ns = (uint32_t)status->st_mtim.tv_nsec,
	};

	packing->entries++;
	return tar_writer_entry(&packing->writer, &entry, err);
}

static int put_archive(void *context, const void *data, size_t size, struct error *err)
{
	struct packing *packing = context;

	return content_output_put(&packing->output, data, size, err);
}

/* As many bytes as the header says, whatever becomes of the file meanwhile. */
static int put_content(struct packing *packing, int fd, uint64_t size, struct error *err)
{
	uint64_t left = size;

	while (left > 0) {
		size_t room;
		uint8_t *to = content_output_room(&packing->output, &room);
		ssize_t count = read(fd, to, left < room ? (size_t)left : room);

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0) {
			notes_add(&packing->notes, packing->path, count == 0 ? "has become shorter: its end is zeros" : "could not be read: its end is zeros");
			break;
		}
		left -= (uint64_t)count;
		if (content_output_add(&packing->output, (size_t)count, err) < 0 || tar_writer_passed(&packing->writer, (size_t)count, err) < 0)
			return -1;
	}
	return tar_writer_data(&packing->writer, NULL, (size_t)left, err);
}

static int put_link(struct packing *packing, int parent, const char *name, const struct stat *status, struct error *err)
{
	_cleanup_free_ char *target = entry_read_link(parent, name);

	if (target == NULL) {
		notes_add(&packing->notes, packing->path, "left out: the link could not be read");
		return 0;
	}
	return put_header(packing, TAR_SYMLINK, target, status, err);
}

static int put_any(struct packing *packing, int parent, const char *name, int depth, struct error *err);

static int put_names(struct packing *packing, DIR *stream, int depth, struct error *err)
{
	size_t length = strlen(packing->path);

	for (const struct dirent *entry; (entry = readdir(stream)) != NULL;) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (length + 1 + strlen(entry->d_name) + 1 > TAR_PATH_MAX) {
			notes_add(&packing->notes, packing->path, "something in it was left out: its path is too long");
			continue;
		}
		packing->path[length] = '/';
		strcpy(packing->path + length + 1, entry->d_name);
		int result = put_any(packing, dirfd(stream), entry->d_name, depth + 1, err);

		packing->path[length] = '\0';
		if (result < 0)
			return -1;
	}
	return 0;
}

/* Takes the descriptor over. */
static int put_directory(struct packing *packing, int fd, const struct stat *status, int depth, struct error *err)
{
	__attribute__((cleanup(closedirp))) DIR *stream = fdopendir(fd);

	if (stream == NULL) {
		int number = errno;

		close_fd(fd);
		return error_set(err, number, "%.200s", packing->path);
	}
	size_t length = strlen(packing->path);

	/* As everybody writes them. */
	strcpy(packing->path + length, "/");
	int result = put_header(packing, TAR_DIRECTORY, NULL, status, err);

	packing->path[length] = '\0';
	if (result < 0)
		return -1;
	if (depth == MAX_DEPTH) {
		notes_add(&packing->notes, packing->path, "what is in it was left out: too deep");
		return 0;
	}
	return put_names(packing, stream, depth, err);
}

/* Of a descriptor, which it takes over; what it is has been made sure of. */
static int put_opened(struct packing *packing, int opened, int depth, struct error *err)
{
	_cleanup_close_ int fd = opened;
	struct stat status;

	if (fstat(fd, &status) < 0)
		return error_set(err, errno, "%.200s", packing->path);
	if (S_ISDIR(status.st_mode))
		return put_directory(packing, steal_fd(&fd), &status, depth, err);
	if (!S_ISREG(status.st_mode)) {
		notes_add(&packing->notes, packing->path, "left out: no file, directory or link");
		return 0;
	}
	return put_header(packing, TAR_FILE, NULL, &status, err) < 0 ? -1 : put_content(packing, fd, (uint64_t)status.st_size, err);
}

static int put_any(struct packing *packing, int parent, const char *name, int depth, struct error *err)
{
	struct stat status;

	if (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
		return errno == ENOENT ? 0 : error_set(err, errno, "%.200s", packing->path);
	if (S_ISLNK(status.st_mode))
		return put_link(packing, parent, name, &status, err);
	if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
		notes_add(&packing->notes, packing->path, "left out: no file, directory or link");
		return 0;
	}
	int fd = openat(parent, name, OPEN_FLAGS);

	if (fd < 0) {
		notes_add(&packing->notes, packing->path, errno == EACCES ? "left out: the user may not read it" : "left out: it could not be opened");
		return 0;
	}
	return put_opened(packing, fd, depth, err);
}

static int send_end(const struct transfer *transfer, struct packing *packing, struct error *err)
{
	struct wire_buffer buffer = { 0 };

	if (tar_writer_end(&packing->writer, err) < 0 || content_output_flush(&packing->output, err) < 0)
		return -1;
	wire_begin(&buffer, WIRE_CONTENT_END);
	wire_put_u64(&buffer, TAG_LENGTH, packing->output.total);
	wire_put_u64(&buffer, TAG_POSITION, packing->entries);
	notes_put(&packing->notes, &buffer);
	return reply_send(transfer, &buffer, err);
}

/* `.` for a directory, the last component of its path for a file. */
static int choose_name(struct packing *packing, const struct request *request, const struct stat *status, struct error *err)
{
	const char *slash = strrchr(request->path, '/'), *name = slash != NULL ? slash + 1 : request->path;
	const char *chosen = request->target != NULL ? request->target : S_ISDIR(status->st_mode) ? "." : name;

	if (strlen(chosen) > TAR_PATH_MAX - 1)
		return error_set(err, ENAMETOOLONG, "%.200s", chosen);
	strcpy(packing->path, chosen);
	return 0;
}

int serve_tar_out(struct transfer *transfer, struct error *err)
{
	static struct packing packing;
	_cleanup_request_ struct request request;
	struct stat status;

	if (request_read(transfer, &request, err) < 0)
		return -1;
	err->step = "make archive";
	packing.mode_bits = request.flags & TRANSFER_FLAG_KEEP_SETID ? 07777 : 01777;
	_cleanup_close_ int fd = paths_open(transfer, request.path, O_RDONLY | O_NONBLOCK, 0, err);

	if (fd < 0)
		return -1;
	if (fstat(fd, &status) < 0)
		return error_set(err, errno, "%.200s", request.path);
	if (!S_ISDIR(status.st_mode) && !S_ISREG(status.st_mode))
		return error_set(err, EINVAL, "%.200s is no file or directory", request.path);
	if (choose_name(&packing, &request, &status, err) < 0 || reply_ok(transfer, err) < 0)
		return -1;
	content_output_init(&packing.output, transfer);
	tar_writer_init(&packing.writer, put_archive, &packing);
	return put_opened(&packing, steal_fd(&fd), 0, err) < 0 ? -1 : send_end(transfer, &packing, err);
}
