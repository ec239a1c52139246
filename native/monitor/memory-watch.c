#include "monitor/memory-watch.h"

#include <stddef.h>

#include "lib/deadline.h"
#include "monitor/events.h"

void memory_watch_look(struct monitor *monitor)
{
	struct oom_watch *watch = &monitor->container.oom;

	if (watch->event < 0)
		return;
	switch (oom_watch_look(watch)) {
	case OOM_HIT:
		memory_watch_end(monitor);
		monitor->out_of_memory = true;
		events_out_of_memory(monitor);
		return;
	case OOM_UNDECIDED:
		monitor->oom_again.at = deadline_in_ms(watch->pause_ms);
		return;
	case OOM_GONE:
		memory_watch_end(monitor);
		return;
	case OOM_NOTHING:
		monitor->oom_again.at = 0;
	}
}

void memory_watch_job_ended(struct job *job)
{
	/* bash reports its child's signal as 128 + 9. */
	if (job->exit_kind != EXIT_EXITED || job->exit_value > 128)
		memory_watch_look(job->monitor);
	job->out_of_memory = job->monitor->out_of_memory;
}

static void on_event(struct source *source, uint32_t events)
{
	struct monitor *monitor = (struct monitor *)((char *)source - offsetof(struct monitor, oom));

	(void)events;
	memory_watch_look(monitor);
}

static void on_timer(struct timer *timer)
{
	memory_watch_look((struct monitor *)((char *)timer - offsetof(struct monitor, oom_again)));
}

int memory_watch_begin(struct monitor *monitor, struct error *err)
{
	const struct oom_watch *watch = &monitor->container.oom;

	monitor->oom_again.expired = on_timer;
	loop_add_timer(&monitor->loop, &monitor->oom_again);
	if (watch->event < 0)
		return 0;
	monitor->oom = (struct source){ .fd = watch->event, .ready = on_event };
	/* The numbers of epoll's events are those of poll's. */
	return loop_add(&monitor->loop, &monitor->oom, (uint32_t)oom_watch_poll_events(watch), err);
}

void memory_watch_end(struct monitor *monitor)
{
	if (monitor->container.oom.event < 0)
		return;
	loop_remove(&monitor->loop, &monitor->oom);
	oom_watch_close(&monitor->container.oom);
	monitor->oom.fd = -1;
	monitor->oom_again.at = 0;
}
