#include "files/copy-receiver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/deadline.h"
#include "lib/fd.h"
#include "lib/file-copy.h"
#include "files/copy-frames.h"
#include "files/copy-worker.h"

/* From so many bytes on a file is worth the other thread's being woken. */
enum { WORTH_SHARING = 16 << 10 };

struct level {
	int fd;
	mode_t mode;
	bool made;
	char name[TREE_MAX_NAME + 1];
};

struct receiver {
	struct channel *channel;
	const struct copy_order *order;
	const struct copy_reports *reports;
	struct tree_writer writer;
	struct file_copier copier;
	int destination;                     /* the directory that everything is below */
	char first_name[TREE_MAX_NAME + 1];  /* of a source that is not a directory, when it gets another name than its own */
	struct level *levels;                /* COPY_MAX_DEPTH */
	unsigned int depth;
	uint64_t skipped;
	int64_t told_at;
};

/* What a frame says; strings are the caller's to free. */
struct entry {
	char *name;
	char *content;
	uint32_t mode;
	uint32_t kind;
	uint32_t contents;
};

static void entry_free(struct entry *entry)
{
	free(entry->name);
	free(entry->content);
}

static int read_attribute(void *context, const struct wire_attribute *attribute, struct error *err)
{
	struct entry *entry = context;

	switch (attribute->tag) {
	case TAG_NAME:
		return wire_string(attribute, PATH_MAX - 1, &entry->name, err);
	case TAG_CONTENT:
		return wire_string(attribute, PATH_MAX - 1, &entry->content, err);
	case TAG_MODE:
		return wire_u32(attribute, &entry->mode, err);
	case TAG_KIND:
		return wire_u32(attribute, &entry->kind, err);
	case TAG_CONTENTS:
		return wire_u32(attribute, &entry->contents, err);
	default:
		return 0;
	}
}

static int read_entry(const struct frame *frame, struct entry *ret_entry, struct error *err)
{
	if (wire_read_all(frame->body, frame->size, read_attribute, ret_entry, err) < 0)
		return -1;
	return ret_entry->name == NULL ? error_set(err, EBADMSG, "an entry without a name") : 0;
}

static struct copy_counts counts_of(const struct receiver *receiver)
{
	copy_worker_lock();
	const struct copy_counts counts = { .entries = receiver->writer.entries, .bytes = receiver->writer.bytes, .skipped = receiver->skipped };

	copy_worker_unlock();
	return counts;
}

static int tell(struct receiver *receiver, enum copy_frame type, struct error *err)
{
	struct wire_buffer *output = &receiver->channel->output;
	const struct copy_counts counts = counts_of(receiver);

	wire_begin(output, (uint16_t)type);
	wire_put_u64(output, TAG_ENTRIES, counts.entries);
	wire_put_u64(output, TAG_BYTES, counts.bytes);
	return channel_send(receiver->channel, -1, err);
}

static int tell_progress(struct receiver *receiver, struct error *err)
{
	int64_t now = clock_now_ms();

	if (now - receiver->told_at < COPY_PROGRESS_MS)
		return 0;
	receiver->told_at = now;
	if (receiver->reports->progress == NULL)
		return tell(receiver, COPY_PROGRESS, err);
	const struct copy_counts counts = counts_of(receiver);

	return receiver->reports->progress(receiver->reports->context, &counts, err);
}

static int on_bytes(void *context, uint64_t bytes, struct error *err)
{
	struct receiver *receiver = context;

	copy_worker_lock();
	int result = tree_add_bytes(&receiver->writer, bytes, err);

	copy_worker_unlock();
	if (result < 0)
		return -1;
	/* A small file is over before anybody could give it up. */
	if (bytes == FILE_COPY_STEP && channel_check(receiver->channel, err) < 0)
		return -1;
	return tell_progress(receiver, err);
}

static int current(const struct receiver *receiver)
{
	return receiver->depth == 0 ? receiver->destination : receiver->levels[receiver->depth - 1].fd;
}

static const char *name_of(const struct receiver *receiver, const struct entry *entry)
{
	return receiver->depth == 0 && receiver->first_name[0] != '\0' ? receiver->first_name : entry->name;
}

static struct tree_attributes attributes_of(const struct receiver *receiver, mode_t mode)
{
	struct tree_attributes attributes = receiver->order->owner;

	attributes.mode = mode;
	return attributes;
}

static int enter_directory(struct receiver *receiver, const struct entry *entry, struct error *err)
{
	if (receiver->depth >= COPY_MAX_DEPTH)
		return error_set(err, ELOOP, "more than %d levels of directories", COPY_MAX_DEPTH);
	struct level *level = &receiver->levels[receiver->depth];
	const char *name = name_of(receiver, entry);

	if (tree_make_directory(&receiver->writer, current(receiver), name, &level->fd, &level->made, err) < 0)
		return -1;
	level->mode = entry->mode;
	memcpy(level->name, name, strlen(name) + 1);
	receiver->depth++;
	return 0;
}

static int leave_directory(struct receiver *receiver, struct error *err)
{
	if (receiver->depth == 0)
		return error_set(err, EBADMSG, "left the destination");
	struct level *level = &receiver->levels[--receiver->depth];
	const struct tree_attributes attributes = attributes_of(receiver, level->mode);
	struct error late;
	/* The directory is needed for a file that is not finished, and may not be written to once it has its mode. */
	int result = copy_worker_settle(err);

	/* Also when a file of it has failed: it is left in any case. */
	if (level->made && tree_finish_directory(&receiver->writer, level->fd, level->name, &attributes, result < 0 ? &late : err) < 0)
		result = -1;
	level->fd = close_fd(level->fd);
	return result;
}

/* A FIFO would keep us waiting, and a device be worse. */
static int check_file(int fd, struct stat *ret_status, struct error *err)
{
	if (fstat(fd, ret_status) < 0)
		return error_set(err, errno, "fstat");
	if (!S_ISREG(ret_status->st_mode) || (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY)
		return error_set(err, EBADMSG, "not a file to be read");
	return 0;
}

/* 1: the other thread does it. One that takes long stays with this thread, which tells how far it is and hears when it is to end. */
static int share(struct receiver *receiver, const struct stat *status, int *from, const struct tree_file *file, const struct tree_attributes *attributes, struct error *err)
{
	const struct copy_job job = { .writer = &receiver->writer, .file = *file, .attributes = *attributes, .from = *from, .status = *status };

	if (status->st_size < WORTH_SHARING || status->st_size > FILE_COPY_STEP)
		return 0;
	int result = copy_worker_take(&job, err);

	if (result > 0)
		steal_fd(from);
	return result;
}

static int make_file(struct receiver *receiver, const struct entry *entry, struct error *err)
{
	const struct tree_attributes attributes = attributes_of(receiver, entry->mode);
	_cleanup_close_ int from = stream_take_fd(&receiver->channel->input);
	struct tree_file file;
	struct stat status;

	if (from < 0)
		return error_set(err, EBADMSG, "a file without its descriptor");
	if (check_file(from, &status, err) < 0 || tree_begin_file(&receiver->writer, current(receiver), name_of(receiver, entry), &file, err) < 0)
		return -1;
	int shared = share(receiver, &status, &from, &file, &attributes, err);

	if (shared < 0)
		tree_abandon_file(&file);
	if (shared != 0)
		return shared < 0 ? -1 : 0;
	if (file_copy(&receiver->copier, from, &status, file.fd, on_bytes, receiver, err) < 0) {
		tree_abandon_file(&file);
		return error_set(err, err->number, "%.100s: %.100s", entry->name, err->detail);
	}
	return tree_finish_file(&receiver->writer, &file, &attributes, err);
}

static int make_link(struct receiver *receiver, const struct entry *entry, struct error *err)
{
	const struct tree_attributes attributes = attributes_of(receiver, 0777);

	if (entry->content == NULL)
		return error_set(err, EBADMSG, "a link to nothing");
	return tree_make_symlink(&receiver->writer, current(receiver), name_of(receiver, entry), entry->content, &attributes, err);
}

/* Nothing is made of it, but who tells of them without end is not listened to without end. */
static int note_skipped(struct receiver *receiver, const struct entry *entry, struct error *err)
{
	if (receiver->skipped >= receiver->writer.policy.entry_limit)
		return error_set(err, EDQUOT, "%.200s: more than %llu entries that are left out", entry->name, (unsigned long long)receiver->writer.policy.entry_limit);
	receiver->skipped++;
	if (receiver->reports->skipped != NULL)
		receiver->reports->skipped(receiver->reports->context, entry->name);
	return 0;
}

static int make(struct receiver *receiver, const struct frame *frame, struct error *err)
{
	__attribute__((cleanup(entry_free))) struct entry entry = { 0 };

	if (read_entry(frame, &entry, err) < 0)
		return -1;
	switch (frame->type) {
	case COPY_DIRECTORY:
		return enter_directory(receiver, &entry, err);
	case COPY_FILE:
		return make_file(receiver, &entry, err);
	case COPY_LINK:
		return make_link(receiver, &entry, err);
	case COPY_SKIPPED:
		return note_skipped(receiver, &entry, err);
	default:
		return error_set(err, EBADMSG, "frame of type %u", frame->type);
	}
}

/* The directory itself; one level that is missing is made. */
static int open_or_make(struct receiver *receiver, const struct place_path *path, struct error *err)
{
	const struct copy_order *order = receiver->order;
	int directory = place_open_directory(&order->place, order->path, err);

	if (directory >= 0 || err->number != ENOENT || path->contents)
		return directory;
	_cleanup_close_ int parent = place_open_directory(&order->place, path->parent, err);
	const struct tree_attributes attributes = attributes_of(receiver, 0755);
	_cleanup_close_ int made_fd = -1;
	bool made;

	if (parent < 0)
		return -1;
	if (tree_make_directory(&receiver->writer, parent, path->name, &made_fd, &made, err) < 0 ||
	    (made && tree_finish_directory(&receiver->writer, made_fd, path->name, &attributes, err) < 0))
		return error_set(err, err->number, "%.200s", order->path);
	directory = openat(parent, path->name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return directory < 0 ? error_set(err, errno, "%.200s", order->path) : directory;
}

/* Something that is not a directory: under the path's own name, unless that is a directory, or is said to be one by a slash at the end. */
static int open_for_one(struct receiver *receiver, const struct place_path *path, struct error *err)
{
	const struct copy_order *order = receiver->order;
	int directory = place_open_directory(&order->place, order->path, err);

	if (directory >= 0 || path->contents || (err->number != ENOENT && err->number != ENOTDIR && err->number != ELOOP))
		return directory;
	directory = place_open_directory(&order->place, path->parent, err);
	if (directory >= 0)
		memcpy(receiver->first_name, path->name, strlen(path->name) + 1);
	return directory;
}

static bool ends_in_slash(const char *path)
{
	return path[0] != '\0' && path[strlen(path) - 1] == '/';
}

/* A slash at the end says no more than that it is a directory. */
static int split_destination(const struct copy_order *order, struct place_path *ret_path, struct error *err)
{
	char plain[PATH_MAX];
	size_t size = strlen(order->path);

	while (size > 1 && order->path[size - 1] == '/')
		size--;
	if (size >= sizeof(plain))
		return error_set(err, ENAMETOOLONG, "%.200s", order->path);
	memcpy(plain, order->path, size);
	plain[size] = '\0';
	return place_split(&order->place, plain, ret_path, err);
}

static int open_destination(struct receiver *receiver, const struct frame *frame, struct error *err)
{
	__attribute__((cleanup(entry_free))) struct entry source = { 0 };
	struct place_path path;

	if (frame->type != COPY_SOURCE)
		return error_set(err, EBADMSG, "frame of type %u before the source's", frame->type);
	if (read_entry(frame, &source, err) < 0 || split_destination(receiver->order, &path, err) < 0)
		return -1;
	bool is_directory = source.kind == COPY_KIND_DIRECTORY;

	receiver->destination = (is_directory || ends_in_slash(receiver->order->path) ? open_or_make : open_for_one)(receiver, &path, err);
	if (receiver->destination < 0)
		return -1;
	receiver->writer.root = receiver->destination;
	return receiver->order->confine == NULL ? 0 : receiver->order->confine(receiver->destination, err);
}

static int finish(struct receiver *receiver, struct error *err)
{
	if (receiver->depth > 0)
		return error_set(err, EBADMSG, "finished within a directory");
	return copy_worker_settle(err) < 0 ? -1 : tell(receiver, COPY_DONE, err);
}

static int receive_all(struct receiver *receiver, struct error *err)
{
	struct frame frame;

	if (channel_receive(receiver->channel, &frame, err) < 0 || open_destination(receiver, &frame, err) < 0)
		return -1;
	for (;;) {
		if (channel_receive(receiver->channel, &frame, err) < 0)
			return -1;
		if (frame.type == COPY_FINISHED)
			return finish(receiver, err);
		if ((frame.type == COPY_LEAVE ? leave_directory(receiver, err) : make(receiver, &frame, err)) < 0)
			return -1;
		if (tell_progress(receiver, err) < 0)
			return -1;
	}
}

/* Directories that were being filled get their modes and owners also when it ends early. */
static void leave_all(struct receiver *receiver)
{
	struct error ignored;

	copy_worker_settle(&ignored);
	while (receiver->depth > 0)
		leave_directory(receiver, &ignored);
}

int copy_receive(struct channel *channel, const struct copy_order *order, const struct copy_reports *reports, struct copy_counts *ret_counts, struct error *err)
{
	struct receiver receiver = { .channel = channel, .order = order, .reports = reports, .destination = -1, .told_at = clock_now_ms() };

	receiver.levels = calloc(COPY_MAX_DEPTH, sizeof(*receiver.levels));
	if (receiver.levels == NULL)
		return error_set(err, ENOMEM, "levels");
	tree_writer_init(&receiver.writer, -1, &order->policy);
	int result = receive_all(&receiver, err);

	leave_all(&receiver);
	*ret_counts = counts_of(&receiver);
	close_fd(receiver.destination);
	tree_writer_free(&receiver.writer);
	file_copier_free(&receiver.copier);
	free(receiver.levels);
	return result;
}
