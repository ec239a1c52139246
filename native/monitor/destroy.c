#include "monitor/destroy.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "lib/deadline.h"
#include "lib/descendants.h"
#include "lib/syscalls.h"
#include "monitor/connection.h"
#include "monitor/jobs.h"
#include "monitor/memory-watch.h"
#include "monitor/transfers.h"

#define DESTROY_DEADLINE_MS 20000
#define RETRY_MS 1

static void kill_init(struct monitor *monitor)
{
	/* Unless an earlier DESTROY has begun to let go of them. */
	bool hold = !monitor->container.plain && !monitor->held_mounts.running;

	if (hold)
		held_mounts_take(&monitor->held_mounts, monitor->pidfd.fd, monitor->container.pid, monitor->destroy_deadline);
	/* The kernel kills everybody else in the namespace and reaps them before PID 1 is dead. */
	sys_pidfd_send_signal(monitor->pidfd.fd, SIGKILL);
	monitor->timer.at = monitor->destroy_deadline;
	if (hold)
		held_mounts_release_at_death(&monitor->held_mounts);
}

/* What nothing needs any more, while PID 1 dies. A group that cannot be removed yet is removed when it is dead. */
static void clear_up(struct monitor *monitor)
{
	struct error ignored;

	memory_watch_end(monitor);
	usage_close(&monitor->container.usage);
	prepared_drop(&monitor->prepared, &monitor->container.cgroups, &ignored);
}

void destroy_begin(struct monitor *monitor)
{
	if (monitor->destroying)
		return;
	monitor->destroying = true;
	monitor->destroy_deadline = deadline_in_ms(DESTROY_DEADLINE_MS);
	transfers_kill(monitor);
	if (!monitor->dead)
		kill_init(monitor);
	clear_up(monitor);
	if (monitor->dead)
		destroy_advance(monitor);
}

/* Whoever asked for it has something to do then, which need not wait for the cgroups to be removed. */
static void tell_dead(struct monitor *monitor)
{
	struct connection *next;

	for (struct connection *connection = monitor->connections; connection != NULL; connection = next) {
		next = connection->next;
		if (connection->phase != CONNECTION_DESTROYING || !connection->tell_dead)
			continue;
		connection->tell_dead = false;
		wire_begin(&connection->out, WIRE_DEAD);
		connection_send(connection);
	}
}

static void answer(struct monitor *monitor, const struct error *problem)
{
	struct connection *next;

	for (struct connection *connection = monitor->connections; connection != NULL; connection = next) {
		next = connection->next;
		if (connection->phase != CONNECTION_DESTROYING)
			continue;
		if (problem != NULL)
			connection_reply_error(connection, problem);
		else
			connection_reply_ok(connection);
	}
}

static void give_up(struct monitor *monitor, struct error *problem)
{
	/* Another DESTROY tries again. */
	monitor->destroying = false;
	answer(monitor, problem);
}

void destroy_advance(struct monitor *monitor)
{
	struct error err = { .step = "remove cgroups" };

	if (!monitor->dead) {
		if (deadline_remaining_ms(monitor->destroy_deadline) > 0) {
			monitor->timer.at = monitor->destroy_deadline;
			return;
		}
		err.step = "kill PID 1";
		error_set(&err, ETIMEDOUT, "pid %d does not die", monitor->container.pid);
		give_up(monitor, &err);
		return;
	}
	/* Without a PID namespace those whose parent was wshd are ours now. */
	if (monitor->container.plain && descendants_signal(getpid(), SIGKILL, &err) > 0 && deadline_remaining_ms(monitor->destroy_deadline) > 0) {
		monitor->timer.at = deadline_in_ms(RETRY_MS);
		return;
	}
	tell_dead(monitor);
	if (jobs_remove_groups(monitor) && prepared_drop(&monitor->prepared, &monitor->container.cgroups, &err) == 0 && cgroups_remove(&monitor->container.cgroups, &err) == 0) {
		err.step = "unmount";
		if (held_mounts_finish(&monitor->held_mounts, monitor->destroy_deadline, &err) < 0) {
			give_up(monitor, &err);
			return;
		}
		unlinkat(monitor->container.directories.run, SOCKET_NAME, 0);
		unlinkat(monitor->container.directories.run, PID_FILE_NAME, 0);
		answer(monitor, NULL);
		monitor->loop.done = true;
		return;
	}
	if (deadline_remaining_ms(monitor->destroy_deadline) == 0) {
		if (err.number == 0)
			error_set(&err, EBUSY, "the cgroup of a job");
		give_up(monitor, &err);
		return;
	}
	/* v1 removes a group only some time after its last process: there is no event for it. */
	monitor->timer.at = deadline_in_ms(RETRY_MS);
}
