/*
 * launcher: the one process of a wardend that starts containers, makes their links, and changes the firewall.
 *
 * wardend (Node) cannot fork cheaply, enter namespaces or pass descriptors, so it tells this program what to do, over descriptor 3, a stream
 * socket. The first message is HELLO (hello.c): the lock on the depot, wshd and the seccomp filter in sealed memory, the mount namespace
 * of monitors, /dev, device rules. Then one event loop serves requests, any number at once, and answers them in the order in which they end:
 *
 *   CREATE    sources.c opens what the container needs of the host's files, spawn.c starts its monitor in the minimal mount namespace, or has done so in
 *             advance (spare.c), create.c sends it
 *             the description with the descriptors. While the monitor makes cgroups and namespaces, firewall.c adds the elements; when it reports the
 *             container's first process, link.c makes the veth pair into its network namespace. When both sides are done the monitor is
 *             released, and belongs to nobody but itself. A failure of either side undoes both (create-undo.c).
 *   FIREWALL  one nftables transaction.
 *   ABANDON   a create under way is undone.
 *   COPY      the host's end of a copy between host and container is started (copies.c), and its reports passed on.
 *   DISCARD   directories are removed, in a process of its own (background.c).
 *   QUOTA     disk limits of one user or project are set and read (quota.c).
 *   DISK_*    disk.c: where containers' files are kept and how much of them there may be.
 *   LISTENING listening.c: whether a socket of the host has a port; FORGET_CONNECTIONS conntrack.c: connections that outlive a container or a port are ended.
 *   SHAPE     shape.c limits what a link carries in both directions, and tells what the kernel has; READ_SHAPE only tells.
 *   DATAGRAM        datagram.c sends one to a unix socket of the host.
 *   WATCH_FIREWALL  firewall-watch.c hears of what others change in wardend's tables, and wardend is told.
 *   UNSHAPE   takes the limit off. The kernel waits for RCU while it removes an interface, so this is a process of its own, too.
 *
 * Privileges: root, all of it: this process and the monitors are the trusted part of warden. It reads nothing that a container writes: no path is
 * resolved inside of a container's file system, and monitors send a process id and error texts only.
 * Nothing waits for one monitor: netlink calls are answered within the call, all else is an event with a deadline.
 * End: end of file on descriptor 3. Containers that are finished do not notice; monitors of unfinished ones see their sockets close and undo.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "lib/deadline.h"
#include "lib/fd.h"
#include "launcher/background.h"
#include "launcher/copies.h"
#include "launcher/create.h"
#include "launcher/launcher.h"
#include "launcher/requests.h"
#include "launcher/spare.h"
#include "launcher/steps.h"

enum { WARDEND = 3, HELLO_TIMEOUT_MS = 30000, PRECEDENCE = -10 };

static void on_signal(struct launcher *launcher, struct watch *watch, uint32_t events)
{
	struct signalfd_siginfo information;
	int status;
	pid_t pid;

	(void)events;
	/* One signal may stand for several children. */
	while (read(watch->fd, &information, sizeof(information)) > 0)
		continue;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (!spare_ended(launcher, pid) && !background_child_ended(launcher, pid, status) && !copy_child_ended(launcher, pid, status))
			create_child_ended(launcher, pid, status);
}

static int open_signals(struct launcher *launcher, struct error *err)
{
	sigset_t children;

	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &children, NULL) < 0)
		return error_set(err, errno, "sigprocmask");
	launcher->signals.ready = on_signal;
	launcher->signals.fd = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
	if (launcher->signals.fd < 0)
		return error_set(err, errno, "signalfd");
	return watch_add(launcher, &launcher->signals, EPOLLIN, err);
}

/*
 * A create has more to do at once than there may be processors, and the link takes longest of it: whoever waits for this program should not wait for
 * a container's own processes first. What it starts gets the ordinary priority back. Without the right to it creates are slower, no more.
 */
static void take_precedence(void)
{
	const struct sched_param parameters = { .sched_priority = 0 };

	if (setpriority(PRIO_PROCESS, 0, PRECEDENCE) == 0 && sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &parameters) < 0)
		setpriority(PRIO_PROCESS, 0, 0);
}

static int prepare(struct launcher *launcher, struct error *err)
{
	struct rlimit limit;

	/* A terminal's Ctrl-C is for wardend, which ends its containers' creates in order, and then us. Fails when we lead a session already. */
	setsid();
	signal(SIGPIPE, SIG_IGN);
	take_precedence();
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	launcher->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (launcher->epoll < 0)
		return error_set(err, errno, "epoll_create1");
	if (fd_set_cloexec(WARDEND, true, err) < 0 || fd_set_nonblocking(WARDEND, true, err) < 0)
		return -1;
	return open_signals(launcher, err);
}

/* The answer to HELLO is written at once, because after an error nobody would. */
static int greet(struct launcher *launcher, struct error *err)
{
	struct wire_buffer answer = { 0 };
	struct frame frame;
	struct error ignored;
	pid_t owner = 0;
	int64_t deadline = deadline_in_ms(HELLO_TIMEOUT_MS);
	int result = stream_read_frame(&launcher->input, WARDEND, deadline, &frame, err);

	if (result <= 0)
		return result < 0 ? -1 : error_set(err, EPIPE, "no hello");
	if (frame.type != WIRE_HELLO)
		return error_set(err, EPROTO, "message %u instead of hello", frame.type);
	result = hello(&launcher->host, frame.body, frame.size, getppid(), &owner, err);
	if (result < 0)
		wire_begin_error(&answer, err);
	else
		wire_begin(&answer, WIRE_OK);
	if (owner != 0)
		wire_put_u32(&answer, TAG_OWNER, (uint32_t)owner);
	if (wire_end(&answer, &ignored) < 0 || stream_send(WARDEND, &answer, NULL, 0, deadline, &ignored) < 0)
		result = -1;
	wire_buffer_free(&answer);
	return result;
}

static int serve(struct launcher *launcher, struct error *err)
{
	if (requests_start(launcher, WARDEND, err) < 0)
		return -1;
	while (!launcher->ended) {
		struct epoll_event event;
		int count = epoll_wait(launcher->epoll, &event, 1, 0);

		if (count == 0) {
			spare_prepare(launcher);
			count = epoll_wait(launcher->epoll, &event, 1, create_next_deadline_ms(launcher));
		}
		if (count < 0 && errno != EINTR)
			return error_set(err, errno, "epoll_wait");
		if (count > 0) {
			struct watch *watch = event.data.ptr;

			watch->ready(launcher, watch, event.events);
		}
		create_expire(launcher);
	}
	create_drop_all(launcher);
	background_drop_all(launcher);
	copy_drop_all(launcher);
	stream_input_free(&launcher->input);
	wire_buffer_free(&launcher->output);
	*err = launcher->failure;
	return err->number == 0 ? 0 : -1;
}

#define PRINT_STEP(name, text) puts(text);

int main(int argc, char **argv)
{
	struct launcher launcher = { .signals.fd = -1, .link_deletions.fd = -1, .firewall_events.watch.fd = -1, .wardend.fd = -1 };
	struct error err = { 0 };

	if (argc == 2 && strcmp(argv[1], "--steps") == 0) {
		LAUNCHER_CREATE_STEPS(PRINT_STEP)
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "--start-steps") == 0) {
		LAUNCHER_START_STEPS(PRINT_STEP)
		return 0;
	}
	if (argc != 1) {
		fputs("usage: launcher [--steps | --start-steps]\nStarted by wardend with a socket as descriptor 3; see docs/native.md.\n", stderr);
		return 2;
	}
	close_fds(WARDEND + 1, ~0U);
	if (prepare(&launcher, &err) < 0 || greet(&launcher, &err) < 0 || serve(&launcher, &err) < 0) {
		error_print("launcher", &err);
		return 1;
	}
	return 0;
}
