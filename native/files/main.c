/*
 * files: works on a container's files for somebody outside of it.
 *
 * Theory of operation. A monitor starts it, in the container's cgroups, as root of the host, with the descriptors of descriptors.h, when a client of
 * run/monitor.sock has sent TRANSFER; the client's connection is its own from then on. Before it looks at anything that is the container's it
 * joins the container's namespaces (enter.c), becomes the user that was asked for, with no more rights over files than that user has, and gives up
 * everything that it does not need (confine.c): what is outside of the container's root, and system calls that have nothing to do with files. So whatever
 * the container makes of its paths, links and mounts while they are being worked on, all that can be reached by them is its own.
 *
 * Then it does the one thing that it was asked for, answers on the connection, and ends. A client that goes away ends it by EOF or EPIPE.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "files/confine.h"
#include "files/copy-frames.h"
#include "files/copy-worker.h"
#include "files/descriptors.h"
#include "files/enter.h"
#include "files/host-end.h"
#include "files/operations.h"
#include "files/reply.h"
#include "files/transfer.h"
#include "lib/fd.h"

enum { MAX_REQUEST = 64 << 10, MAX_MEMORY = 256 << 20, MAX_DESCRIPTORS = 512, MAX_TEXT = 4096 };

static const struct {
	uint32_t operation;
	transfer_function serve;
} operations[] = {
	{ FILE_COPY_IN, serve_copy_in },
	{ FILE_COPY_OUT, serve_copy_out },
	{ FILE_READ, serve_read },
	{ FILE_WRITE, serve_write },
	{ FILE_STAT, serve_stat },
	{ FILE_LIST, serve_list },
	{ FILE_MAKE_DIRECTORY, serve_make_directory },
	{ FILE_REMOVE, serve_remove },
	{ FILE_RENAME, serve_rename },
	{ FILE_TAR_IN, serve_tar_in },
	{ FILE_TAR_OUT, serve_tar_out },
	{ FILE_PROCESSES, serve_processes },
};

static int read_attribute(void *context, const struct wire_attribute *attribute, struct error *err)
{
	struct transfer *transfer = context;
	uint32_t number;

	switch (attribute->tag) {
	case TAG_FILE_OPERATION:
		return wire_u32(attribute, &transfer->operation, err);
	case TAG_UID:
		return wire_u32(attribute, &transfer->uid, err);
	case TAG_GID:
		return wire_u32(attribute, &transfer->gid, err);
	case TAG_PRIVILEGED:
		if (wire_u32(attribute, &number, err) < 0)
			return -1;
		transfer->privileged = number != 0;
		return 0;
	case TAG_USER_NAME:
		return wire_string(attribute, MAX_TEXT, &transfer->user_name, err);
	case TAG_WORKING_DIRECTORY:
		return wire_string(attribute, MAX_TEXT, &transfer->home, err);
	default:
		return 0;
	}
}

static int read_request(struct transfer *transfer, struct error *err)
{
	char *body;

	err->step = "read request";
	if (fd_read_file(FILES_REQUEST, MAX_REQUEST, &body, &transfer->size, err) < 0)
		return -1;
	transfer->body = (const uint8_t *)body;
	if (wire_read_all(transfer->body, transfer->size, read_attribute, transfer, err) < 0)
		return -1;
	if (transfer->uid == UINT32_MAX && transfer->user_name == NULL)
		return error_set(err, EBADMSG, "nobody to be");
	return 0;
}

/* A client that is silent for ever would keep this process for ever. */
static int limit_silence(struct error *err)
{
	const struct timeval silence = { .tv_sec = TRANSFER_SILENCE_S };

	err->step = "prepare transfer";
	if (setsockopt(FILES_CONNECTION, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof(silence)) < 0 ||
	    setsockopt(FILES_CONNECTION, SOL_SOCKET, SO_SNDTIMEO, &silence, sizeof(silence)) < 0)
		return error_set(err, errno, "time limit of the connection");
	return 0;
}

/* Fewer frames on their way, and so fewer descriptors, of which the kernel counts those that one user has sent. */
static int limit_queue(const struct transfer *transfer, struct error *err)
{
	const int queue = COPY_QUEUE_SIZE;

	if (transfer->operation == FILE_COPY_OUT && setsockopt(FILES_CONNECTION, SOL_SOCKET, SO_SNDBUF, &queue, sizeof(queue)) < 0)
		return error_set(err, errno, "queue of the connection");
	return 0;
}

/* As far as limits can be set: what is left is the container's own limit of memory. */
static void limit_resources(void)
{
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	setrlimit(RLIMIT_AS, &(struct rlimit){ MAX_MEMORY, MAX_MEMORY });
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){ MAX_DESCRIPTORS, MAX_DESCRIPTORS });
}

static int prepare(struct transfer *transfer, struct error *err)
{
	if (read_request(transfer, err) < 0 || limit_silence(err) < 0 || limit_queue(transfer, err) < 0)
		return -1;
	limit_resources();
	if ((transfer->plain ? enter_directory(FILES_INIT, transfer, err) : enter_container(FILES_INIT, transfer, err)) < 0)
		return -1;
	close_fd(FILES_REQUEST);
	close_fd(FILES_INIT);
	if ((!transfer->plain && enter_become_user(transfer, err) < 0) || confine_to_trees(&transfer->root, 1, CONFINE_ALL, err) < 0)
		return -1;
	if (transfer->operation == FILE_COPY_IN)
		copy_worker_start();
	return confine_calls(err);
}

static int serve(struct transfer *transfer, struct error *err)
{
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
		if (operations[i].operation == transfer->operation)
			return operations[i].serve(transfer, err);
	err->step = "read request";
	return error_set(err, EBADMSG, "file operation %u", transfer->operation);
}

int main(int argc, char **argv)
{
	struct transfer transfer = { .nested = argc == 2 && strcmp(argv[1], FILES_NESTED) == 0, .plain = argc == 2 && strcmp(argv[1], FILES_PLAIN) == 0, .connection = FILES_CONNECTION, .root = -1, .uid = UINT32_MAX, .gid = UINT32_MAX };
	struct error err = { 0 };

	signal(SIGPIPE, SIG_IGN);
	/* The other end of a copy is of the host: started by the launcher (host-end.c). */
	if (argc == 2 && strcmp(argv[1], "host") == 0)
		return host_end_main(HOST_END_LAUNCHER);
	/* Of plain processes: started by wardend, without rights. */
	if (argc == 3 && strcmp(argv[1], "host") == 0 && strcmp(argv[2], FILES_PLAIN) == 0)
		return host_end_main(HOST_END_SERVER);
	if (prepare(&transfer, &err) == 0 && serve(&transfer, &err) == 0)
		return 0;
	reply_error(&transfer, &err);
	return 1;
}
