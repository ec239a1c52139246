/*
 * The host's end of a copy: reads or makes the files on the host, while a process in the container does the other half.
 *
 * The launcher starts it as root in the host's mount namespace, with its socket as descriptor 0. It connects to the container's monitor, which starts the container's
 * end; opens the path on the host (place.c says which links it follows); and then gives up everything that it does not need for what lies below
 * that path: capabilities, other files (Landlock), system calls. What comes from the container's end is read after that, but for the kind of its source,
 * which decides what the destination is. Progress and the end are told to the launcher; when that closes its socket, the copy is given up.
 */
#include "files/host-end.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "lib/capability.h"
#include "lib/deadline.h"
#include "lib/fd.h"
#include "files/confine.h"
#include "files/copy-frames.h"
#include "files/copy-receiver.h"
#include "files/copy-sender.h"
#include "files/copy-settings.h"
#include "files/copy-worker.h"

enum { ORDER_TIMEOUT_MS = 10000, START_TIMEOUT_MS = 30000, MAX_ORDER = 48 << 10 };

struct host_end {
	int launcher;                       /* our socket to it */
	struct copy_settings settings;
	struct channel channel;
	struct wire_buffer report;
	struct wire_buffer skipped_paths;   /* attributes of the last report */
	uint32_t skipped_told;
};

static int send_report(struct host_end *end, struct error *err)
{
	if (wire_end(&end->report, err) < 0 || stream_send(end->launcher, &end->report, NULL, 0, deadline_in_ms(ORDER_TIMEOUT_MS), err) < 0)
		return -1;
	end->report.size = 0;
	return 0;
}

static void put_counts(struct host_end *end, const struct copy_counts *counts)
{
	wire_put_u64(&end->report, TAG_ENTRIES, counts->entries);
	wire_put_u64(&end->report, TAG_BYTES, counts->bytes);
	wire_put_u64(&end->report, TAG_SKIPPED, counts->skipped);
}

static int on_progress(void *context, const struct copy_counts *counts, struct error *err)
{
	struct host_end *end = context;

	wire_begin(&end->report, WIRE_COPY_PROGRESS);
	put_counts(end, counts);
	return send_report(end, err);
}

static void on_skipped(void *context, const char *path)
{
	struct host_end *end = context;
	size_t size = strlen(path);

	if (end->skipped_told++ < COPY_SKIPPED_TOLD)
		wire_put_bytes(&end->skipped_paths, TAG_SKIPPED_PATH, path, size < COPY_MAX_TOLD_PATH ? size : COPY_MAX_TOLD_PATH);
}

static int read_settings(struct host_end *end, struct error *err)
{
	struct stream_input input = { .max_body = MAX_ORDER };
	struct frame frame;
	int result = stream_read_frame(&input, end->launcher, deadline_in_ms(ORDER_TIMEOUT_MS), &frame, err);

	if (result == 0)
		result = error_set(err, EPIPE, "no order");
	if (result > 0)
		result = frame.type != WIRE_COPY ? error_set(err, EBADMSG, "order of type %u", frame.type) : copy_settings_read(frame.body, frame.size, &end->settings, err);
	stream_input_free(&input);
	const struct copy_settings *settings = &end->settings;

	if (result == 0 && (settings->directory == NULL || settings->source == NULL || settings->destination == NULL || settings->home == NULL ||
	                    (settings->operation != FILE_COPY_IN && settings->operation != FILE_COPY_OUT)))
		return error_set(err, EBADMSG, "order without a path or operation");
	return result;
}

/* By way of the directory: the whole path may be too long for a socket's address. */
static int connect_monitor(const char *directory, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "monitor.sock" };
	/* As for the container's end (main.c). */
	const int queue = COPY_QUEUE_SIZE;
	_cleanup_close_ int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_close_ int container = open(directory, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_close_ int run = container < 0 ? -1 : openat(container, "run", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (connection < 0)
		return error_set(err, errno, "socket");
	if (run < 0 || fchdir(run) < 0 || connect(connection, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return error_set(err, errno, "%.200s/run/monitor.sock", directory);
	if (chdir("/") < 0 || setsockopt(connection, SOL_SOCKET, SO_SNDBUF, &queue, sizeof(queue)) < 0)
		return error_set(err, errno, "connection to the monitor");
	return steal_fd(&connection);
}

static int start_other_end(struct host_end *end, struct error *err)
{
	err->step = "start copy in the container";
	_cleanup_close_ int connection = connect_monitor(end->settings.directory, err);

	if (connection < 0 || copy_settings_put_transfer(&end->settings, &end->report, err) < 0 ||
	    stream_send(connection, &end->report, NULL, 0, deadline_in_ms(START_TIMEOUT_MS), err) < 0)
		return -1;
	end->report.size = 0;
	if (channel_init(&end->channel, steal_fd(&connection), end->launcher, err) < 0)
		return -1;
	end->channel.other_end = "copy in the container";
	return 0;
}

/* Root without the others' rights: what is needed to read all files, or to make them for anybody. */
static int keep_capabilities(uint64_t kept, struct error *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct had[2];

	/* Without root's there are none to keep. */
	if (syscall(SYS_capget, &header, had) < 0)
		return error_set(err, errno, "capget");
	const uint32_t low = (uint32_t)kept & had[0].permitted, high = (uint32_t)(kept >> 32) & had[1].permitted;
	const struct __user_cap_data_struct data[2] = { { .effective = low, .permitted = low }, { .effective = high, .permitted = high } };

	return syscall(SYS_capset, &header, data) < 0 ? error_set(err, errno, "capset") : 0;
}

/* tree -1: no file has to be opened any more. */
static int confine(int tree, enum confine_access access, uint64_t capabilities, struct error *err)
{
	err->step = "confine copy on the host";
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_set(err, errno, "PR_SET_NO_NEW_PRIVS");
	if (keep_capabilities(capabilities, err) < 0 || confine_to_trees(&tree, tree < 0 ? 0 : 1, access, err) < 0)
		return -1;
	if (access == CONFINE_ALL)
		copy_worker_start();
	if (confine_calls(err) < 0)
		return -1;
	err->step = "copy on the host";
	return 0;
}

static int confine_to_destination(int directory, struct error *err)
{
	return confine(directory, CONFINE_ALL, CAPABILITY(CAP_DAC_OVERRIDE) | CAPABILITY(CAP_CHOWN) | CAPABILITY(CAP_FOWNER) | CAPABILITY(CAP_FSETID), err);
}

static int confine_to_source(const struct copy_source *source, struct error *err)
{
	const mode_t kind = source->status.st_mode & S_IFMT;
	_cleanup_close_ int tree = -1;

	if (S_ISDIR(kind) || S_ISREG(kind)) {
		tree = openat(source->parent, source->path.contents ? "." : source->path.name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (tree < 0)
			return error_set(err, errno, "%.200s", source->path.name);
	}
	return confine(tree, S_ISDIR(kind) ? CONFINE_READ_TREE : CONFINE_READ_FILE, CAPABILITY(CAP_DAC_READ_SEARCH), err);
}

static int await_other_end(struct channel *channel, struct error *err)
{
	struct frame frame;

	if (channel_receive(channel, &frame, err) < 0)
		return -1;
	return frame.type == WIRE_OK ? 0 : error_set(err, EBADMSG, "frame of type %u", frame.type);
}

static struct place host_of(const struct host_end *end)
{
	return (struct place){ .root = -1, .writable = end->settings.writable, .writable_count = end->settings.writable_count, .no_links = end->settings.no_links };
}

static int copy_in(struct host_end *end, const struct copy_reports *reports, struct copy_counts *ret_counts, struct error *err)
{
	const struct place host = host_of(end);
	struct copy_source source;

	err->step = "copy on the host";
	int result = copy_source_open(&source, &host, end->settings.source, err);

	if (result == 0)
		result = confine_to_source(&source, err);
	if (result == 0)
		result = await_other_end(&end->channel, err);
	if (result == 0)
		result = copy_send(&end->channel, &source, reports, ret_counts, err);
	copy_source_close(&source);
	return result;
}

static int copy_out(struct host_end *end, const struct copy_reports *reports, struct copy_counts *ret_counts, struct error *err)
{
	const struct copy_order order = {
		.path = end->settings.destination,
		.place = host_of(end),
		.policy = copy_settings_policy(&end->settings),
		.owner = end->settings.owner,
		.confine = confine_to_destination,
	};

	err->step = "copy on the host";
	return copy_receive(&end->channel, &order, reports, ret_counts, err);
}

static int copy(struct host_end *end, struct copy_counts *ret_counts, struct error *err)
{
	const struct copy_reports reports = { .skipped = on_skipped, .progress = on_progress, .context = end };

	if (read_settings(end, err) < 0 || start_other_end(end, err) < 0)
		return -1;
	return (end->settings.operation == FILE_COPY_IN ? copy_in : copy_out)(end, &reports, ret_counts, err);
}

int host_end_main(int launcher)
{
	struct host_end end = { .launcher = launcher, .channel = { .connection = -1 } };
	struct copy_counts counts = { 0 };
	struct error err = { .step = "read order" }, ignored;
	int result = copy(&end, &counts, &err);

	end.report.size = 0;
	if (result < 0) {
		wire_begin_error(&end.report, &err);
	} else {
		wire_begin(&end.report, WIRE_OK);
		put_counts(&end, &counts);
		wire_put_raw(&end.report, end.skipped_paths.data, end.skipped_paths.size);
	}
	return send_report(&end, &ignored) < 0 || result < 0 ? 1 : 0;
}
