#include "lib/oom-watch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/deadline.h"
#include "lib/fd.h"

/* memory.events has seven lines, memory.oom_control three. */
#define MAX_TEXT 1024
/* The killer takes a millisecond, and longer on a machine that has no memory left at all. */
#define WINDOW_MS 5000
#define FIRST_PAUSE_MS 1
#define LAST_PAUSE_MS 200

bool oom_counter(const char *text, const char *name, uint64_t *ret_value)
{
	size_t length = strlen(name);

	for (const char *line = text; line != NULL && *line != '\0'; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, length) != 0 || line[length] != ' ')
			continue;
		char *end;

		errno = 0;
		*ret_value = strtoull(line + length + 1, &end, 10);
		return errno == 0 && end > line + length + 1 && line[length + 1] >= '0' && line[length + 1] <= '9' && (*end == '\n' || *end == '\0');
	}
	return false;
}

/* From the beginning each time: that is also what makes v2's file wait for its next change. */
static int read_counters(const struct oom_watch *watch, char ret_text[MAX_TEXT])
{
	ssize_t size = pread(watch->counters, ret_text, MAX_TEXT - 1, 0);

	if (size < 0)
		return -1;
	ret_text[size] = '\0';
	return 0;
}

static int open_v1(struct oom_watch *watch, int directory, struct error *err)
{
	_cleanup_close_ int control = openat(directory, "cgroup.event_control", O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	char order[32];

	if (control < 0)
		return error_set(err, errno, "cgroup.event_control");
	watch->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (watch->event < 0)
		return error_set(err, errno, "eventfd");
	int size = snprintf(order, sizeof(order), "%d %d", watch->event, watch->counters);

	if (write(control, order, (size_t)size) != size)
		return error_set(err, errno, "cgroup.event_control: %s", order);
	return 0;
}

int oom_watch_open(struct oom_watch *ret_watch, int directory, struct error *err)
{
	struct oom_watch watch = OOM_WATCH_NONE;
	char text[MAX_TEXT];

	*ret_watch = watch;
	watch.version = 1;
	watch.counters = openat(directory, "memory.oom_control", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (watch.counters < 0 && errno == ENOENT) {
		watch.version = 2;
		watch.counters = openat(directory, "memory.events", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		watch.event = watch.counters;
	}
	if (watch.counters < 0)
		return error_set(err, errno, "memory.oom_control, memory.events");
	if ((watch.version == 1 && open_v1(&watch, directory, err) < 0) || (read_counters(&watch, text) < 0 && error_set(err, errno, "memory counters") < 0)) {
		oom_watch_close(&watch);
		return -1;
	}
	oom_counter(text, "oom_kill", &watch.kills);
	*ret_watch = watch;
	return 0;
}

short oom_watch_poll_events(const struct oom_watch *watch)
{
	return watch->version == 1 ? POLLIN : POLLPRI;
}

/* Without news in the counters. */
static enum oom_state go_on_waiting(struct oom_watch *watch, bool signalled)
{
	int64_t now = clock_now_ms();

	if (signalled) {
		watch->until = now + WINDOW_MS;
		watch->pause_ms = FIRST_PAUSE_MS;
	} else if (watch->until != 0) {
		watch->pause_ms = watch->pause_ms * 2 < LAST_PAUSE_MS ? watch->pause_ms * 2 : LAST_PAUSE_MS;
	}
	if (watch->until > now)
		return OOM_UNDECIDED;
	watch->until = 0;
	return OOM_NOTHING;
}

enum oom_state oom_watch_look(struct oom_watch *watch)
{
	uint64_t count, kills = 0, waiting = 0, disabled = 0;
	char text[MAX_TEXT];
	/* Before the counters: what comes after them is another event. */
	bool signalled = watch->version == 1 && read(watch->event, &count, sizeof(count)) == (ssize_t)sizeof(count);

	if (read_counters(watch, text) < 0)
		return OOM_GONE;
	if (oom_counter(text, "oom_kill", &kills) && kills > watch->kills) {
		watch->kills = kills;
		watch->until = 0;
		return OOM_HIT;
	}
	if (watch->version == 2)
		return OOM_NOTHING;
	if (oom_counter(text, "oom_kill_disable", &disabled) && disabled != 0 && oom_counter(text, "under_oom", &waiting) && waiting != 0)
		return OOM_HIT;
	return go_on_waiting(watch, signalled);
}

void oom_watch_close(struct oom_watch *watch)
{
	if (watch->event != watch->counters)
		close_fd(watch->event);
	close_fd(watch->counters);
	*watch = OOM_WATCH_NONE;
}
