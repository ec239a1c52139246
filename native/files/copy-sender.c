#include "files/copy-sender.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/deadline.h"
#include "lib/fd.h"
#include "lib/syscalls.h"
#include "files/copy-frames.h"

enum {
	/* Of an entry that is something else each time. */
	MAX_LOOKS = 4,
	/* That may come in a row, after a time in which they were not read. */
	REPORTS_AT_ONCE = 32,
	OPEN_FLAGS = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
};

struct sender {
	struct channel *channel;
	const struct copy_reports *reports;
	struct copy_counts counts;     /* the other end's, but `skipped` */
	uint64_t skipped;
	uint64_t heard;                /* reports of the other end */
	int64_t began_at;
	bool finished;                 /* everything was sent */
	bool done;
	unsigned int depth;
	char path[PATH_MAX];           /* of the entry that is looked at, from the source on */
	size_t path_size;
};

int copy_source_open(struct copy_source *ret_source, const struct place *place, const char *path, struct error *err)
{
	*ret_source = (struct copy_source){ .parent = -1 };
	if (place_split(place, path, &ret_source->path, err) < 0)
		return -1;
	ret_source->parent = place_open_directory(place, ret_source->path.parent, err);
	if (ret_source->parent < 0)
		return -1;
	if (fstatat(ret_source->parent, ret_source->path.name, &ret_source->status, AT_SYMLINK_NOFOLLOW | (ret_source->path.contents ? AT_EMPTY_PATH : 0)) < 0)
		return error_set(err, errno, "%.200s", path);
	return 0;
}

void copy_source_close(struct copy_source *source)
{
	source->parent = close_fd(source->parent);
}

/* Each report is passed on, as far as the client: one that says more than it has to would keep everybody on the way busy. */
static int check_report(struct sender *sender, enum copy_frame type, struct error *err)
{
	if (type != COPY_PROGRESS && type != COPY_DONE)
		return error_set(err, EBADMSG, "frame of type %u", type);
	if (type == COPY_DONE && !sender->finished)
		return error_set(err, EBADMSG, "done before everything was sent");
	if (++sender->heard > REPORTS_AT_ONCE + 2 * (uint64_t)(clock_now_ms() - sender->began_at) / COPY_PROGRESS_MS)
		return error_set(err, EBADMSG, "more reports than one in %d ms", COPY_PROGRESS_MS);
	return 0;
}

/* What the receiver says meanwhile. */
static int on_frame(void *context, const struct frame *frame, struct error *err)
{
	struct sender *sender = context;
	struct wire_reader reader;
	struct wire_attribute attribute;
	int result;

	if (check_report(sender, frame->type, err) < 0)
		return -1;
	wire_reader_init(&reader, frame->body, frame->size);
	while ((result = wire_next(&reader, &attribute, err)) > 0) {
		if (attribute.tag == TAG_ENTRIES && wire_u64(&attribute, &sender->counts.entries, err) < 0)
			return -1;
		if (attribute.tag == TAG_BYTES && wire_u64(&attribute, &sender->counts.bytes, err) < 0)
			return -1;
	}
	if (result < 0)
		return -1;
	sender->done = frame->type == COPY_DONE;
	if (sender->done || sender->reports->progress == NULL)
		return 0;
	sender->counts.skipped = sender->skipped;
	return sender->reports->progress(sender->reports->context, &sender->counts, err);
}

static int send_frame(struct sender *sender, int fd, struct error *err)
{
	if (channel_send(sender->channel, fd, err) < 0)
		return -1;
	return channel_poll(sender->channel, err);
}

/* The error names the entry by its whole path. */
static int failed(const struct sender *sender, int number, struct error *err)
{
	return error_set(err, number, "%.200s", sender->path);
}

static int skip(struct sender *sender, struct error *err)
{
	struct wire_buffer *output = &sender->channel->output;

	sender->skipped++;
	if (sender->reports->skipped != NULL)
		sender->reports->skipped(sender->reports->context, sender->path);
	wire_begin(output, COPY_SKIPPED);
	wire_put_string(output, TAG_NAME, sender->path);
	return send_frame(sender, -1, err);
}

static int send_file(struct sender *sender, int fd, const char *name, mode_t mode, struct error *err)
{
	struct wire_buffer *output = &sender->channel->output;

	wire_begin(output, COPY_FILE);
	wire_put_string(output, TAG_NAME, name);
	wire_put_u32(output, TAG_MODE, mode & 07777);
	return send_frame(sender, fd, err);
}

static int send_link(struct sender *sender, const char *name, const char *target, struct error *err)
{
	struct wire_buffer *output = &sender->channel->output;

	wire_begin(output, COPY_LINK);
	wire_put_string(output, TAG_NAME, name);
	wire_put_string(output, TAG_CONTENT, target);
	return send_frame(sender, -1, err);
}

static int walk_contents(struct sender *sender, int directory, struct error *err);

static int send_directory(struct sender *sender, int fd, const char *name, mode_t mode, struct error *err)
{
	struct wire_buffer *output = &sender->channel->output;

	if (sender->depth >= COPY_MAX_DEPTH)
		return error_set(err, ELOOP, "%.150s: more than %d levels of directories", sender->path, COPY_MAX_DEPTH);
	wire_begin(output, COPY_DIRECTORY);
	wire_put_string(output, TAG_NAME, name);
	wire_put_u32(output, TAG_MODE, mode & 07777);
	if (send_frame(sender, -1, err) < 0)
		return -1;
	sender->depth++;
	if (walk_contents(sender, fd, err) < 0)
		return -1;
	sender->depth--;
	wire_begin(output, COPY_LEAVE);
	return send_frame(sender, -1, err);
}

enum look { LOOK_AGAIN, LOOK_DONE, LOOK_FAILED };

/* Something that was a file, or a directory, a moment ago. */
static enum look open_entry(struct sender *sender, int directory, const char *name, mode_t kind, struct error *err)
{
	_cleanup_close_ int fd = openat(directory, name, OPEN_FLAGS | (S_ISDIR(kind) ? O_DIRECTORY : 0));
	struct stat status;

	if (fd < 0 && (errno == ELOOP || errno == ENOTDIR || errno == ENXIO || errno == ENOENT))
		return LOOK_AGAIN;
	if (fd < 0 || fstat(fd, &status) < 0) {
		failed(sender, errno, err);
		return LOOK_FAILED;
	}
	if ((status.st_mode & S_IFMT) != kind)
		return LOOK_AGAIN;
	return (S_ISDIR(kind) ? send_directory : send_file)(sender, fd, name, status.st_mode, err) < 0 ? LOOK_FAILED : LOOK_DONE;
}

static enum look read_link(struct sender *sender, int directory, const char *name, struct error *err)
{
	char target[PATH_MAX];
	ssize_t size = readlinkat(directory, name, target, sizeof(target) - 1);

	if (size < 0 && (errno == EINVAL || errno == ENOENT))
		return LOOK_AGAIN;
	if (size < 0) {
		failed(sender, errno, err);
		return LOOK_FAILED;
	}
	target[size] = '\0';
	return send_link(sender, name, target, err) < 0 ? LOOK_FAILED : LOOK_DONE;
}

static enum look look_at(struct sender *sender, int directory, const char *name, mode_t kind, struct error *err)
{
	switch (kind) {
	case S_IFREG:
	case S_IFDIR:
		return open_entry(sender, directory, name, kind, err);
	case S_IFLNK:
		return read_link(sender, directory, name, err);
	default:
		return skip(sender, err) < 0 ? LOOK_FAILED : LOOK_DONE;
	}
}

/* @kind what the directory said, or 0. One that is not what it was said to be is asked what it is now; one that is gone has been removed. */
static int send_entry(struct sender *sender, int directory, const char *name, mode_t kind, struct error *err)
{
	for (int looks = 0; looks < MAX_LOOKS; looks++) {
		struct stat status;

		if (kind == 0) {
			if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
				return errno == ENOENT ? 0 : failed(sender, errno, err);
			kind = status.st_mode & S_IFMT;
		}
		enum look look = look_at(sender, directory, name, kind, err);

		if (look != LOOK_AGAIN)
			return look == LOOK_DONE ? 0 : -1;
		kind = 0;
	}
	return skip(sender, err);
}

static int enter_name(struct sender *sender, const char *name, struct error *err)
{
	size_t before = sender->path_size;
	int length = snprintf(sender->path + before, sizeof(sender->path) - before, "%s%s", before > 0 ? "/" : "", name);

	if (length < 0 || (size_t)length >= sizeof(sender->path) - before) {
		sender->path[before] = '\0';
		return error_set(err, ENAMETOOLONG, "%.200s", sender->path);
	}
	sender->path_size += (size_t)length;
	return 0;
}

static int walk_entry(struct sender *sender, int directory, const char *name, mode_t kind, struct error *err)
{
	size_t before = sender->path_size;

	if (enter_name(sender, name, err) < 0 || send_entry(sender, directory, name, kind, err) < 0)
		return -1;
	sender->path_size = before;
	sender->path[before] = '\0';
	return 0;
}

static void close_stream(DIR **stream)
{
	if (*stream != NULL)
		closedir(*stream);
}

/* The descriptor stays the caller's. */
static int walk_contents(struct sender *sender, int directory, struct error *err)
{
	int own = fcntl(directory, F_DUPFD_CLOEXEC, 0);
	__attribute__((cleanup(close_stream))) DIR *stream = own < 0 ? NULL : fdopendir(own);

	if (stream == NULL) {
		failed(sender, errno, err);
		close_fd(own);
		return -1;
	}
	for (;;) {
		errno = 0;
		const struct dirent *entry = readdir(stream);

		if (entry == NULL)
			return errno != 0 ? failed(sender, errno, err) : 0;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (walk_entry(sender, directory, entry->d_name, entry->d_type == DT_UNKNOWN ? 0 : DTTOIF(entry->d_type), err) < 0)
			return -1;
	}
}

static int send_source(struct sender *sender, const struct copy_source *source, struct error *err)
{
	struct wire_buffer *output = &sender->channel->output;

	wire_begin(output, COPY_SOURCE);
	wire_put_u32(output, TAG_KIND, S_ISDIR(source->status.st_mode) ? COPY_KIND_DIRECTORY : COPY_KIND_OTHER);
	wire_put_u32(output, TAG_CONTENTS, source->path.contents);
	wire_put_string(output, TAG_NAME, source->path.name);
	return send_frame(sender, -1, err);
}

static int walk_source(struct sender *sender, const struct copy_source *source, struct error *err)
{
	if (!source->path.contents)
		return walk_entry(sender, source->parent, source->path.name, source->status.st_mode & S_IFMT, err);
	_cleanup_close_ int directory = openat(source->parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (directory < 0)
		return error_set(err, errno, "%.200s", source->path.parent);
	return walk_contents(sender, directory, err);
}

static int await_end(struct sender *sender, struct error *err)
{
	struct frame frame;

	sender->finished = true;
	wire_begin(&sender->channel->output, COPY_FINISHED);
	/* What comes after it is the last: looked for once too often it would be that the other end is gone. */
	if (channel_send(sender->channel, -1, err) < 0)
		return -1;
	while (!sender->done)
		if (channel_receive(sender->channel, &frame, err) < 0 || on_frame(sender, &frame, err) < 0)
			return -1;
	return 0;
}

int copy_send(struct channel *channel, const struct copy_source *source, const struct copy_reports *reports, struct copy_counts *ret_counts, struct error *err)
{
	struct sender sender = { .channel = channel, .reports = reports, .began_at = clock_now_ms() };

	channel->incoming = on_frame;
	channel->context = &sender;
	if (send_source(&sender, source, err) < 0 || walk_source(&sender, source, err) < 0 || await_end(&sender, err) < 0)
		return -1;
	*ret_counts = sender.counts;
	ret_counts->skipped = sender.skipped;
	return 0;
}
