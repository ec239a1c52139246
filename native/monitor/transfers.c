#include "monitor/transfers.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files/descriptors.h"
#include "lib/deadline.h"
#include "lib/fd.h"
#include "lib/syscalls.h"
#include "monitor/connection.h"

enum {
	MAX_TRANSFERS = 64,
	/* What a pipe takes at once. */
	MAX_REQUEST = 48 << 10,
	/* A program that is in the middle of a file ends by itself when it next hears of its client. */
	ABANDONED_MS = 5000,
};

struct transfer {
	struct monitor *monitor;
	struct transfer *next;
	struct source process;   /* its pidfd */
	struct source client;    /* our copy of its socket, watched for the client's end; -1: it has gone */
	int64_t kill_at;         /* deadline.h; 0: not to be killed */
};

static void set_timer(struct monitor *monitor)
{
	int64_t first = 0;

	for (const struct transfer *transfer = monitor->transfers; transfer != NULL; transfer = transfer->next)
		if (transfer->kill_at != 0 && (first == 0 || transfer->kill_at < first))
			first = transfer->kill_at;
	monitor->transfer_timer.at = first;
}

static void forget_client(struct transfer *transfer)
{
	if (transfer->client.fd < 0)
		return;
	loop_remove(&transfer->monitor->loop, &transfer->client);
	transfer->client.fd = close_fd(transfer->client.fd);
}

static void on_client(struct source *source, uint32_t events)
{
	struct transfer *transfer = (struct transfer *)((char *)source - offsetof(struct transfer, client));

	(void)events;
	forget_client(transfer);
	transfer->kill_at = deadline_in_ms(ABANDONED_MS);
	set_timer(transfer->monitor);
}

static void on_process(struct source *source, uint32_t events)
{
	struct transfer *transfer = (struct transfer *)((char *)source - offsetof(struct transfer, process));
	struct monitor *monitor = transfer->monitor;
	struct transfer **link = &monitor->transfers;
	siginfo_t info = { 0 };

	(void)events;
	if (waitid(P_PIDFD, (id_t)source->fd, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
		return;
	forget_client(transfer);
	loop_remove(&monitor->loop, source);
	close_fd(source->fd);
	while (*link != transfer)
		link = &(*link)->next;
	*link = transfer->next;
	monitor->transfer_count--;
	free(transfer);
	set_timer(monitor);
}

static void on_timer(struct timer *timer)
{
	struct monitor *monitor = (struct monitor *)((char *)timer - offsetof(struct monitor, transfer_timer));
	int64_t now = clock_now_ms();

	for (struct transfer *transfer = monitor->transfers; transfer != NULL; transfer = transfer->next) {
		if (transfer->kill_at == 0 || transfer->kill_at > now)
			continue;
		sys_pidfd_send_signal(transfer->process.fd, SIGKILL);
		transfer->kill_at = 0;
	}
	set_timer(monitor);
}

void transfers_init(struct monitor *monitor)
{
	monitor->transfer_timer.expired = on_timer;
	loop_add_timer(&monitor->loop, &monitor->transfer_timer);
}

void transfers_kill(struct monitor *monitor)
{
	for (struct transfer *transfer = monitor->transfers; transfer != NULL; transfer = transfer->next)
		sys_pidfd_send_signal(transfer->process.fd, SIGKILL);
}

static int execute(const struct monitor *monitor, int connection, int request, struct error *err)
{
	const struct container *container = &monitor->container;
	char *const arguments[] = { "files", container->nested ? FILES_NESTED : container->plain ? FILES_PLAIN : NULL, NULL }, *const environment[] = { NULL };

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return error_set(err, errno, "PR_SET_PDEATHSIG");
	if (cgroups_join_later(&monitor->container.cgroups, err) < 0)
		return -1;
	/* First above all numbers given out below, so that none is overwritten before its turn. */
	int socket = fcntl(connection, F_DUPFD_CLOEXEC, 16), pipe = fcntl(request, F_DUPFD_CLOEXEC, 16);
	int init = fcntl(container->plain ? container->root : monitor->pidfd.fd, F_DUPFD_CLOEXEC, 16), program = fcntl(monitor->container.files, F_DUPFD_CLOEXEC, 16);

	if (socket < 0 || pipe < 0 || init < 0 || program < 0 || dup2(socket, FILES_CONNECTION) < 0 || dup2(pipe, FILES_REQUEST) < 0 ||
	    dup2(init, FILES_INIT) < 0 || dup3(program, FILES_INIT + 1, O_CLOEXEC) < 0)
		return error_set(err, errno, "descriptors");
	if (close_fds(FILES_INIT + 2, ~0u) < 0)
		return error_set(err, errno, "close_range");
	syscall(SYS_execveat, FILES_INIT + 1, "", arguments, environment, AT_EMPTY_PATH);
	return error_set(err, errno, "execveat");
}

/* In the child, which is a copy of the monitor until it has executed the program. */
_Noreturn static void become_program(const struct monitor *monitor, int connection, int request)
{
	struct error err = { .step = "start transfer" }, ignored;
	struct wire_buffer reply = { 0 };

	if (fd_set_nonblocking(connection, false, &err) == 0)
		execute(monitor, connection, request, &err);
	wire_begin_error(&reply, &err);
	if (wire_end(&reply, &ignored) == 0)
		stream_send(connection, &reply, NULL, 0, clock_now_ms(), &ignored);
	_exit(1);
}

/* The body of the request, at the program's hand before it begins. */
static int write_request(const struct frame *frame, int *ret_read_end, struct error *err)
{
	int ends[2];

	if (frame->size > MAX_REQUEST)
		return error_set(err, E2BIG, "request of %zu bytes, at most %d", frame->size, MAX_REQUEST);
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return error_set(err, errno, "pipe");
	_cleanup_close_ int read_end = ends[0];
	_cleanup_close_ int write_end = ends[1];

	if (write(write_end, frame->body, frame->size) != (ssize_t)frame->size)
		return error_set(err, EAGAIN, "a pipe without room for %zu bytes", frame->size);
	*ret_read_end = steal_fd(&read_end);
	return 0;
}

static pid_t start(const struct monitor *monitor, int connection, int request, int *ret_pidfd, struct error *err)
{
	_cleanup_close_ int v2 = cgroups_open_v2(&monitor->container.cgroups);
	struct warden_clone_args arguments = {
		.flags = CLONE_PIDFD | (v2 >= 0 ? CLONE_INTO_CGROUP : 0),
		.pidfd = (uint64_t)(uintptr_t)ret_pidfd,
		.exit_signal = SIGCHLD,
		.cgroup = v2 >= 0 ? (uint64_t)v2 : 0,
	};

	if (v2 < 0 && errno != ENOENT)
		return error_set(err, errno, "cgroup");
	/* Plain processes have no group to be born in, and may be where there is no clone3. */
	pid_t pid = monitor->container.plain ? sys_fork_pidfd(ret_pidfd) : sys_clone3(&arguments);

	if (pid < 0)
		return error_set(err, errno, "clone");
	if (pid == 0)
		become_program(monitor, connection, request);
	return pid;
}

static int watch(struct transfer *transfer, struct error *err)
{
	struct loop *loop = &transfer->monitor->loop;

	if (loop_add(loop, &transfer->process, EPOLLIN, err) < 0)
		return -1;
	if (loop_add(loop, &transfer->client, EPOLLRDHUP, err) == 0)
		return 0;
	loop_remove(loop, &transfer->process);
	return -1;
}

/* One that cannot be watched, which takes a machine without memory, is ended at once; its client sees its connection closed. */
static void end_unwatched(struct transfer *transfer)
{
	siginfo_t info;

	sys_pidfd_send_signal(transfer->process.fd, SIGKILL);
	waitid(P_PIDFD, (id_t)transfer->process.fd, &info, WEXITED);
	close_fd(transfer->process.fd);
	close_fd(transfer->client.fd);
	free(transfer);
}

int transfers_begin(struct connection *connection, const struct frame *frame, struct error *err)
{
	struct monitor *monitor = connection->monitor;
	_cleanup_close_ int request = -1;
	struct error ignored;

	if (monitor->transfer_count >= MAX_TRANSFERS)
		return error_set(err, EAGAIN, "%d transfers are under way", MAX_TRANSFERS);
	if (!connection_is_quiet(connection))
		return error_set(err, EBADMSG, "something was sent behind the request");
	if (write_request(frame, &request, err) < 0)
		return -1;
	struct transfer *transfer = calloc(1, sizeof(*transfer));

	if (transfer == NULL)
		return error_set(err, ENOMEM, "transfer");
	*transfer = (struct transfer){ .monitor = monitor, .process = { .fd = -1, .ready = on_process }, .client = { .fd = -1, .ready = on_client } };
	if (start(monitor, connection->source.fd, request, &transfer->process.fd, err) < 0) {
		free(transfer);
		return -1;
	}
	transfer->client.fd = connection_detach(connection);
	if (watch(transfer, &ignored) < 0) {
		end_unwatched(transfer);
		return 0;
	}
	transfer->next = monitor->transfers;
	monitor->transfers = transfer;
	monitor->transfer_count++;
	return 0;
}
