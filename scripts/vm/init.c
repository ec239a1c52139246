/*
 * PID 1 of the test machine, first in the initial RAM file system and then on the real root. Loads the kernel modules that the archive
 * lists, in their order; moves to the disk; mounts what a system has mounted, cgroup v2 alone among it; starts one program and reaps
 * what is left to it, because the monitors of a wardend that ended are PID 1's children. When that program has ended, so has the machine.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROOT_DEVICE "/dev/vda"
#define DEVICE_WAIT_MS 60000
#define MOST_MODULES 256

static void leave(void)
{
	sync();
	reboot(RB_AUTOBOOT); /* the emulator runs with -no-reboot */
	_exit(1);
}

static void fail(const char *what, const char *on)
{
	fprintf(stderr, "init: %s %s: %s\n", what, on, strerror(errno));
	leave();
}

static void mount_at(const char *source, const char *target, const char *type, unsigned long flags, const char *options)
{
	if (mkdir(target, 0755) != 0 && errno != EEXIST)
		fail("make", target);
	if (mount(source, target, type, flags, options) != 0)
		fail("mount", target);
}

static void load_module(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fail("open", path);
	if (syscall(SYS_finit_module, fd, "", 0) != 0 && errno != EEXIST)
		fail("load", path);
	close(fd);
}

static void load_modules(void)
{
	char line[256];
	FILE *list = fopen("/modules/order", "re");

	if (list == NULL)
		fail("open", "/modules/order");
	for (int i = 0; i < MOST_MODULES && fgets(line, sizeof(line), list) != NULL; i++) {
		line[strcspn(line, "\n")] = '\0';
		load_module(line);
	}
	fclose(list);
}

/* A disk may be found some time after its driver was loaded. */
static void await_device(const char *path)
{
	int watch = inotify_init1(IN_CLOEXEC);

	if (watch < 0 || inotify_add_watch(watch, "/dev", IN_CREATE) < 0)
		fail("watch", "/dev");
	while (access(path, F_OK) != 0) {
		struct pollfd event = { .fd = watch, .events = POLLIN };
		char taken[4096];

		if (poll(&event, 1, DEVICE_WAIT_MS) <= 0 || read(watch, taken, sizeof(taken)) <= 0) {
			errno = ETIMEDOUT;
			fail("wait for", path);
		}
	}
	close(watch);
}

static void move_to_disk(void)
{
	await_device(ROOT_DEVICE);
	mount_at(ROOT_DEVICE, "/new", "ext4", MS_NOATIME, "");
	for (const char *const *name = (const char *const[]){ "/dev", "/proc", "/sys", NULL }; *name != NULL; name++) {
		char target[32];

		snprintf(target, sizeof(target), "/new%s", *name);
		if (mount(*name, target, NULL, MS_MOVE, NULL) != 0)
			fail("move", *name);
	}
	if (chdir("/new") != 0 || mount(".", "/", NULL, MS_MOVE, NULL) != 0 || chroot(".") != 0 || chdir("/") != 0)
		fail("move to", ROOT_DEVICE);
}

int main(void)
{
	mount_at("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, "mode=0755");
	int console = open("/dev/console", O_RDWR);
	for (int fd = 0; fd < 3 && console >= 0; fd++)
		dup2(console, fd);
	if (console > 2)
		close(console);
	mount_at("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "");
	mount_at("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "");
	load_modules();
	move_to_disk();
	mount_at("cgroup2", "/sys/fs/cgroup", "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, "nsdelegate");
	mount_at("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "gid=5,mode=620,ptmxmode=666");
	mount_at("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
	mount_at("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755");
	mount_at("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");

	pid_t program = fork();
	if (program < 0)
		fail("start", "the program");
	if (program == 0) {
		setsid();
		clearenv();
		setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
		setenv("HOME", "/root", 1);
		setenv("LANG", "C.UTF-8", 1);
		execl("/vm/start", "/vm/start", (char *)NULL);
		fprintf(stderr, "init: execute /vm/start: %s\n", strerror(errno));
		_exit(127);
	}
	for (pid_t ended = 0; ended != program;) {
		ended = wait(NULL);
		if (ended < 0 && errno != EINTR)
			break;
	}
	leave();
}
