/*
 * mount-check DIRECTORY…: can the file systems that these directories are on carry idmapped mounts, which containers' root
 * file systems need? Tried for real: a detached clone of each directory's mount gets the ids of a new user namespace. Nothing
 * is attached to a mount tree, nothing is written.
 *
 * One child makes the user namespace and waits; the parent writes its maps and makes the clones, as launcher does. Exit status
 * 0: all can. 1: a line on standard output for the first that cannot, with the step and the reason. 2: wrong use.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/error.h"
#include "lib/fd.h"
#include "lib/syscalls.h"

/* Ids that belong to nobody; what they are does not matter, because nothing is done with them. */
static const char id_map[] = "0 1879048192 65536\n";

/* A process in a new user namespace, ended when this one ends. */
static int namespace_spawn(pid_t *ret_pid, struct error *err)
{
	int ready[2];
	char byte;

	err->step = "make user namespace";
	if (pipe2(ready, O_CLOEXEC) < 0)
		return error_set(err, errno, "pipe");
	_cleanup_close_ int reader = ready[0], writer = ready[1];
	pid_t pid = fork();

	if (pid < 0)
		return error_set(err, errno, "fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWUSER) < 0)
			_exit(errno);
		if (write(writer, "", 1) == 1)
			pause();
		_exit(0);
	}
	close_fd(steal_fd(&writer));
	if (read(reader, &byte, 1) != 1) {
		int status = 0;

		waitpid(pid, &status, 0);
		return error_set(err, WIFEXITED(status) ? WEXITSTATUS(status) : EINTR, "unshare");
	}
	*ret_pid = pid;
	return 0;
}

static int namespace_open(pid_t pid, int *ret_namespace, struct error *err)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	_cleanup_close_ int directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (directory < 0)
		return error_set(err, errno, "%s", path);
	if (fd_write_file_at(directory, "uid_map", id_map, sizeof(id_map) - 1, err) < 0 || fd_write_file_at(directory, "gid_map", id_map, sizeof(id_map) - 1, err) < 0)
		return -1;
	*ret_namespace = openat(directory, "ns/user", O_RDONLY | O_CLOEXEC);
	return *ret_namespace < 0 ? error_set(err, errno, "%s/ns/user", path) : 0;
}

static int mount_try(const char *directory, int user_namespace, struct error *err)
{
	const struct warden_mount_attr attributes = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)user_namespace };

	err->step = "clone mount";
	_cleanup_close_ int tree = sys_open_tree(AT_FDCWD, directory, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (tree < 0)
		return error_set(err, errno, "%s", directory);
	err->step = "map ids of mount";
	return sys_mount_setattr(tree, "", AT_EMPTY_PATH, &attributes) < 0 ? error_set(err, errno, "%s", directory) : 0;
}

static void report(const struct error *err)
{
	char text[512];

	error_format(err, text, sizeof(text));
	puts(text);
}

int main(int argc, char **argv)
{
	struct error err = { 0 };
	_cleanup_close_ int user_namespace = -1;
	pid_t pid = -1;
	int failures = 0;

	if (argc < 2) {
		fputs("usage: mount-check DIRECTORY...\n", stderr);
		return 2;
	}
	if (namespace_spawn(&pid, &err) < 0 || namespace_open(pid, &user_namespace, &err) < 0) {
		report(&err);
		failures++;
	}
	for (int i = 1; failures == 0 && i < argc; i++)
		if (mount_try(argv[i], user_namespace, &err) < 0) {
			report(&err);
			failures++;
		}
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	return failures == 0 ? 0 : 1;
}
