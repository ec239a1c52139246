#include "lib/descendants.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/deadline.h"
#include "lib/fd.h"
#include "lib/proc-stat.h"
#include "lib/syscalls.h"

/* Of all processes that /proc shows; kernel.pid_max is 2^22 at most. */
enum { FIRST_ROOM = 512, MAX_PROCESSES = 1 << 22, MAX_STAT = 1024, KILL_PAUSE_MS = 1 };

struct process {
	pid_t pid, parent, session;
	bool dead;       /* a zombie: nobody is left to signal */
	bool below;
	bool of_session;
};

struct table {
	struct process *processes;
	size_t count, room;
};

static bool read_process(int proc, const char *name, struct process *ret_process)
{
	char path[48], text[MAX_STAT];
	struct proc_stat stat;

	snprintf(path, sizeof(path), "%.32s/stat", name);
	_cleanup_close_ int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (size <= 0)
		return false;
	text[size] = '\0';
	if (proc_stat_read(text, (size_t)size, &stat) < 0)
		return false;
	/* Of a process whose first thread has ended before the others that is told, too. */
	bool dead = (stat.state == 'Z' || stat.state == 'X') && stat.threads <= 1;

	*ret_process = (struct process){ .pid = (pid_t)stat.pid, .parent = (pid_t)stat.parent, .session = (pid_t)stat.session, .dead = dead };
	return true;
}

static int add(struct table *table, const struct process *process, struct error *err)
{
	if (table->count == table->room) {
		size_t room = table->room == 0 ? FIRST_ROOM : 2 * table->room;
		struct process *grown = room > MAX_PROCESSES ? NULL : realloc(table->processes, room * sizeof(*grown));

		if (grown == NULL)
			return error_set(err, ENOMEM, "a list of %zu processes", room);
		table->processes = grown;
		table->room = room;
	}
	table->processes[table->count++] = *process;
	return 0;
}

static int read_all(DIR *proc, struct table *table, struct error *err)
{
	for (;;) {
		struct process process;

		errno = 0;
		const struct dirent *entry = readdir(proc);

		if (entry == NULL)
			return errno == 0 ? 0 : error_set(err, errno, "/proc");
		/* One that is gone by now needs no signal. */
		if (isdigit((unsigned char)entry->d_name[0]) && read_process(dirfd(proc), entry->d_name, &process) && add(table, &process, err) < 0)
			return -1;
	}
}

static int compare(const void *one, const void *other)
{
	pid_t a = ((const struct process *)one)->pid, b = ((const struct process *)other)->pid;

	return (a > b) - (a < b);
}

static const struct process *find(const struct table *table, pid_t pid)
{
	const struct process key = { .pid = pid };

	return table->count == 0 ? NULL : bsearch(&key, table->processes, table->count, sizeof(key), compare);
}

/* A parent need not have the smaller number, so until nothing changes. `leader` 0: everybody is wanted. */
static void mark(struct table *table, pid_t ancestor, pid_t leader)
{
	bool changed;

	qsort(table->processes, table->count, sizeof(*table->processes), compare);
	do {
		changed = false;
		for (size_t i = 0; i < table->count; i++) {
			struct process *process = &table->processes[i];
			const struct process *parent = find(table, process->parent);
			bool below = process->parent == ancestor || (parent != NULL && parent->below);
			bool of_session = leader == 0 || process->session == leader || process->pid == leader || (parent != NULL && parent->of_session);

			changed |= below != process->below || of_session != process->of_session;
			process->below = below;
			process->of_session = of_session;
		}
	} while (changed);
}

/*
 * The number may be another process's by the time it is used. So the signal goes by a descriptor, and only when what has the number after that was
 * opened is below the ancestor, too: had it been given away before, the check would fail, and if later, the descriptor's process is dead.
 */
static bool signal_one(int proc, const struct table *table, const struct process *process, pid_t ancestor, int signal)
{
	_cleanup_close_ int descriptor = sys_pidfd_open(process->pid, 0);
	struct process now;
	char name[16];

	snprintf(name, sizeof(name), "%d", process->pid);
	if (descriptor < 0 || !read_process(proc, name, &now) || now.dead)
		return false;
	const struct process *parent = find(table, now.parent);

	if (now.parent != ancestor && (parent == NULL || !parent->below))
		return false;
	return sys_pidfd_send_signal(descriptor, signal) == 0;
}

int descendants_signal_session(pid_t ancestor, pid_t leader, int signal, struct error *err)
{
	struct table table = { 0 };
	DIR *proc = opendir("/proc");
	int count = 0;

	if (proc == NULL)
		return error_set(err, errno, "/proc");
	if (read_all(proc, &table, err) < 0) {
		count = -1;
	} else {
		mark(&table, ancestor, leader);
		for (size_t i = 0; i < table.count; i++) {
			const struct process *process = &table.processes[i];

			if (process->below && process->of_session && !process->dead)
				count += signal_one(dirfd(proc), &table, process, ancestor, signal);
		}
	}
	free(table.processes);
	closedir(proc);
	return count;
}

int descendants_signal(pid_t ancestor, int signal, struct error *err)
{
	return descendants_signal_session(ancestor, 0, signal, err);
}

int descendants_kill_session(pid_t ancestor, pid_t leader, int64_t deadline, struct error *err)
{
	for (;;) {
		int count = descendants_signal_session(ancestor, leader, SIGKILL, err);

		if (count <= 0 || deadline_remaining_ms(deadline) == 0)
			return count;
		/* Dying takes a moment, and nothing tells of the end of somebody else's child. */
		poll(NULL, 0, KILL_PAUSE_MS);
	}
}

int descendants_kill(pid_t ancestor, int64_t deadline, struct error *err)
{
	return descendants_kill_session(ancestor, 0, deadline, err);
}
