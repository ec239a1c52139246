/* The network of a create: finding the container's namespace, then link, addresses and route. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/fault.h"
#include "lib/fd.h"
#include "lib/syscalls.h"
#include "launcher/create.h"
#include "launcher/steps.h"

enum { PROC_STAT_SIZE = 512 };

/* /proc/PID/stat: "pid (command) state ppid …"; the command may hold anything, so count from its last parenthesis. */
static int read_parent(int process, pid_t *ret_parent, struct error *err)
{
	char text[PROC_STAT_SIZE];
	_cleanup_close_ int fd = openat(process, "stat", O_RDONLY | O_CLOEXEC);
	ssize_t count = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (count < 0)
		return error_set(err, errno, "stat");
	text[count] = '\0';
	const char *after = strrchr(text, ')');
	int parent;

	if (after == NULL || sscanf(after, ") %*c %d", &parent) != 1)
		return error_set(err, EBADMSG, "stat");
	*ret_parent = parent;
	return 0;
}

/* The first process may have failed and ended already; its monitor is about to say why, and knows better. */
static bool is_gone(struct create *create, int number)
{
	if (number != ENOENT && number != ESRCH)
		return false;
	create->container = close_fd(create->container);
	return true;
}

/*
 * A descriptor of /proc/PID names one process for good: a later process of that number is not found through it. So the process
 * whose parent is checked is the one whose namespace is opened.
 */
static int open_process(struct create *create, const struct host *host, pid_t pid, struct error *err)
{
	char path[32];
	pid_t parent = 0;
	struct stat own, theirs;

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	_cleanup_close_ int process = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (process < 0)
		return error_set(err, errno, "%s", path);
	create->container = sys_pidfd_open(pid, 0);
	if (create->container < 0)
		return error_set(err, errno, "pidfd of %d", (int)pid);
	if (read_parent(process, &parent, err) < 0)
		return -1;
	if (parent != create->monitor) {
		create->container = close_fd(create->container);
		return error_set(err, EPERM, "process %d is not the monitor's child", (int)pid);
	}
	create->network = openat(process, "ns/net", O_RDONLY | O_CLOEXEC);
	if (create->network < 0)
		return error_set(err, errno, "%s/ns/net", path);
	if (fstat(create->network, &theirs) < 0 || fstat(host->namespaces.own_network, &own) < 0)
		return error_set(err, errno, "%s/ns/net", path);
	if (own.st_ino == theirs.st_ino && own.st_dev == theirs.st_dev)
		return error_set(err, EINVAL, "process %d is in the host's network namespace", (int)pid);
	return 0;
}

int create_open_network(struct create *create, const struct host *host, pid_t pid, struct error *err)
{
	if (step_begin(STEP_OPEN_NETWORK, err) < 0)
		return -1;
	if (open_process(create, host, pid, err) == 0)
		return 0;
	return is_gone(create, err->number) ? 0 : -1;
}

int create_connect(struct create *create, const struct host *host, struct error *err)
{
	const struct link_description *link = create->description.has_link ? &create->description.link : NULL;

	if (link != NULL && !create->link_made) {
		if (link_create(host->rtnetlink, link, create->network, err) < 0)
			return err->number == EEXIST ? 0 : -1;
		create->link_made = true;
		if (link_configure_host(host->rtnetlink, link, &create->link_index, err) < 0)
			return -1;
	}
	if (link_configure_container(host->namespaces.own_network, create->network, link, err) < 0)
		return -1;
	create->network = close_fd(create->network);
	return 1;
}

bool create_link_exists(const struct create *create, const struct host *host)
{
	return link_exists(host->rtnetlink, create->description.link.host_name);
}
