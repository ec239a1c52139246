#include "monitor/server.h"

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "lib/deadline.h"
#include "lib/descendants.h"
#include "lib/fd.h"
#include "monitor/accepting.h"
#include "monitor/connection.h"
#include "monitor/destroy.h"
#include "monitor/events.h"
#include "monitor/jobs.h"
#include "monitor/memory-watch.h"
#include "monitor/naming.h"
#include "monitor/output.h"
#include "monitor/syslog.h"
#include "monitor/transfers.h"
#include "monitor/wshd-channel.h"

/* Of what is left of plain processes when wshd is dead. */
#define PLAIN_KILL_MS 1000

static void on_death(struct source *source, uint32_t events)
{
	struct monitor *monitor = (struct monitor *)((char *)source - offsetof(struct monitor, pidfd));
	siginfo_t info = { 0 };
	struct error ignored;

	(void)events;
	if (waitid(P_PIDFD, (id_t)source->fd, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
		return;
	/* What it said last counts for more than that it is dead. */
	wshd_channel_drain(monitor);
	loop_remove(&monitor->loop, source);
	source->fd = close_fd(source->fd);
	if (monitor->wshd.fd >= 0) {
		loop_remove(&monitor->loop, &monitor->wshd);
		monitor->wshd.fd = close_fd(monitor->wshd.fd);
	}
	memory_watch_look(monitor);
	monitor->dead = true;
	if (monitor->container.plain)
		descendants_kill(getpid(), deadline_in_ms(PLAIN_KILL_MS), &ignored);
	monitor->wshd_status = info.si_code == CLD_EXITED ? (uint32_t)info.si_status << 8 : (uint32_t)info.si_status;
	jobs_lose_all(monitor);
	naming_lost(monitor);
	transfers_kill(monitor);
	if (monitor->destroying) {
		destroy_advance(monitor);
		return;
	}
	events_wshd_died(monitor);
}

static void on_group_timer(struct timer *timer)
{
	struct monitor *monitor = (struct monitor *)((char *)timer - offsetof(struct monitor, group_timer));

	if (!monitor->destroying && !monitor->dead)
		jobs_prepare_next(monitor);
}

static void on_timer(struct timer *timer)
{
	struct monitor *monitor = (struct monitor *)((char *)timer - offsetof(struct monitor, timer));

	timer->at = jobs_tick(monitor);
	if (monitor->destroying)
		destroy_advance(monitor);
}

int server_run(const struct container *container, struct error *err)
{
	static struct monitor monitor;

	monitor.container = *container;
	prepared_init(&monitor.prepared);
	err->step = "serve";
	if (cgroups_know_init(&monitor.container.cgroups, container->pid, err) < 0 || loop_init(&monitor.loop, err) < 0)
		return -1;
	monitor.timer.expired = on_timer;
	loop_add_timer(&monitor.loop, &monitor.timer);
	monitor.group_timer.expired = on_group_timer;
	loop_add_timer(&monitor.loop, &monitor.group_timer);
	transfers_init(&monitor);
	syslog_init(&monitor.syslog, &monitor.loop, container->syslog_directory, container->syslog_name);
	monitor.pidfd = (struct source){ .fd = container->pidfd, .ready = on_death };
	if (memory_watch_begin(&monitor, err) < 0 || output_init(&monitor, err) < 0 || wshd_channel_init(&monitor, err) < 0 ||
	    accepting_begin(&monitor, container->listener, MAX_CONNECTIONS, err) < 0 || loop_add(&monitor.loop, &monitor.pidfd, EPOLLIN, err) < 0)
		return -1;
	return loop_run(&monitor.loop, err);
}
