/* lib/oom-watch.c: the counters, and version 2 on a directory of files. What the kernel signals is tested with the program oom. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/oom-watch.h"
#include "test/tap.h"

static int directory;

static void write_file(const char *name, const char *text)
{
	int fd = openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		abort();
	close(fd);
}

static void test_counters(void)
{
	const char *events = "low 0\nhigh 3\nmax 12\noom 2\noom_kill 18446744073709551615\noom_group_kill 7\n";
	uint64_t value = 5;

	CHECK(oom_counter(events, "oom_kill", &value) && value == UINT64_MAX, "a counter is found by its whole name");
	CHECK(oom_counter(events, "oom", &value) && value == 2, "one whose name begins another's");
	CHECK(oom_counter(events, "low", &value) && value == 0, "the first line");
	CHECK(oom_counter(events, "oom_group_kill", &value) && value == 7, "the last line");
	CHECK(oom_counter("oom_kill 4", "oom_kill", &value) && value == 4, "a line without an end");
	value = 5;
	CHECK(!oom_counter(events, "kill", &value) && !oom_counter(events, "oom_kil", &value) && value == 5, "no part of a name");
	CHECK(!oom_counter("", "oom", &value) && !oom_counter("\n\n", "oom", &value) && !oom_counter("oom", "oom", &value), "no counter");
	CHECK(!oom_counter("oom \n", "oom", &value) && !oom_counter("oom -1\n", "oom", &value) && !oom_counter("oom 1x\n", "oom", &value), "no number");
	CHECK(!oom_counter("oom 18446744073709551616\n", "oom", &value), "too large a number");
}

static void test_version_2(void)
{
	struct oom_watch watch;
	struct error err = { 0 };

	write_file("memory.events", "low 0\nhigh 0\nmax 0\noom 1\noom_kill 1\noom_group_kill 0\n");
	CHECK(oom_watch_open(&watch, directory, &err) == 0 && watch.version == 2 && watch.event >= 0, "a group of version 2");
	CHECK(oom_watch_poll_events(&watch) == POLLPRI, "is waited for by POLLPRI");
	CHECK(oom_watch_look(&watch) == OOM_NOTHING, "what was counted before is nothing new");
	write_file("memory.events", "low 0\nhigh 0\nmax 9\noom 4\noom_kill 1\noom_group_kill 0\n");
	CHECK(oom_watch_look(&watch) == OOM_NOTHING, "a limit that was met without a kill is nothing");
	write_file("memory.events", "low 0\nhigh 0\nmax 9\noom 4\noom_kill 3\noom_group_kill 0\n");
	CHECK(oom_watch_look(&watch) == OOM_HIT, "a kill");
	CHECK(oom_watch_look(&watch) == OOM_NOTHING, "that has been seen");
	oom_watch_close(&watch);
	CHECK(watch.event == -1 && watch.counters == -1, "closed");
	oom_watch_close(&watch);
	unlinkat(directory, "memory.events", 0);
}

static void test_neither(void)
{
	struct oom_watch watch;
	struct error err = { 0 };

	CHECK(oom_watch_open(&watch, directory, &err) < 0 && err.number == ENOENT && watch.event == -1, "a directory that is no group");
	write_file("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n");
	CHECK(oom_watch_open(&watch, directory, &err) < 0 && err.number == ENOENT && strcmp(err.detail, "cgroup.event_control") == 0, "version 1 without its event file");
	write_file("cgroup.event_control", "");
	CHECK(oom_watch_open(&watch, directory, &err) == 0 && watch.version == 1, "version 1");
	CHECK(oom_watch_look(&watch) == OOM_NOTHING, "nothing happened");
	CHECK(eventfd_write(watch.event, 1) == 0 && oom_watch_look(&watch) == OOM_UNDECIDED && watch.pause_ms == 1, "an event, and the killer has not come yet");
	CHECK(oom_watch_look(&watch) == OOM_UNDECIDED && watch.pause_ms == 2 && oom_watch_look(&watch) == OOM_UNDECIDED && watch.pause_ms == 4, "it is looked for less and less often");
	write_file("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");
	CHECK(oom_watch_look(&watch) == OOM_HIT, "it has taken a process");
	CHECK(oom_watch_look(&watch) == OOM_NOTHING, "that has been seen");
	CHECK(eventfd_write(watch.event, 3) == 0 && oom_watch_look(&watch) == OOM_UNDECIDED, "another event");
	watch.until = 1;
	CHECK(oom_watch_look(&watch) == OOM_NOTHING && watch.until == 0, "that nothing comes of");
	write_file("memory.oom_control", "oom_kill_disable 1\nunder_oom 1\noom_kill 1\n");
	CHECK(oom_watch_look(&watch) == OOM_HIT, "processes wait, because it is turned off");
	oom_watch_close(&watch);
	unlinkat(directory, "memory.oom_control", 0);
	unlinkat(directory, "cgroup.event_control", 0);
}

int main(void)
{
	char path[] = "/tmp/warden-oom-watch-XXXXXX";

	if (mkdtemp(path) == NULL || (directory = open(path, O_RDONLY | O_DIRECTORY)) < 0)
		return 1;
	test_counters();
	test_version_2();
	test_neither();
	close(directory);
	rmdir(path);
	return tap_end();
}
