/*
 * Makes system calls that no job may make and prints one line for each: `<entry> <name> <errno name or ok>`.
 *
 * Entries: `native`, `int80` (the i386 table through int 0x80, as a 64-bit program may do), `x32` (the bit 30 of the
 * number). Each call is made in a child of its own, because a filter may answer by SIGSYS; then the line says `killed`.
 * The arguments make the calls harmless where they are allowed: bad pointers, bad magic numbers, descriptors that do
 * not exist. So on an unconfined host the answer is `ok`, EFAULT, EINVAL, EBADF or ENOENT, and never EPERM.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define BAD ((long) -1)

struct call { const char *name; long native; long i386; long arguments[5]; };

static const struct call calls[] = {
	{ "mount", SYS_mount, 21, { BAD, BAD, BAD, 0, 0 } },
	{ "umount2", SYS_umount2, 52, { BAD, 0, 0, 0, 0 } },
	{ "pivot_root", SYS_pivot_root, 217, { BAD, BAD, 0, 0, 0 } },
	{ "fsopen", 430, 430, { BAD, 0, 0, 0, 0 } },
	{ "fsmount", 432, 432, { BAD, 0, 0, 0, 0 } },
	{ "move_mount", 429, 429, { BAD, BAD, BAD, BAD, 4 } },
	{ "open_tree", 428, 428, { BAD, BAD, 1, 0, 0 } },
	{ "mount_setattr", 442, 442, { BAD, BAD, 0, BAD, 32 } },
	{ "unshare-user", SYS_unshare, 310, { CLONE_NEWUSER, 0, 0, 0, 0 } },
	{ "unshare-net", SYS_unshare, 310, { CLONE_NEWNET, 0, 0, 0, 0 } },
	{ "unshare-mount", SYS_unshare, 310, { CLONE_NEWNS, 0, 0, 0, 0 } },
	{ "setns", SYS_setns, 346, { BAD, 0, 0, 0, 0 } },
	{ "io_uring_setup", 425, 425, { 1, BAD, 0, 0, 0 } },
	{ "io_uring_enter", 426, 426, { BAD, 0, 0, 0, 0 } },
	{ "io_uring_register", 427, 427, { BAD, 0, 0, 0, 0 } },
	{ "bpf", SYS_bpf, 357, { 0, BAD, 16, 0, 0 } },
	{ "perf_event_open", SYS_perf_event_open, 336, { BAD, 0, -1, -1, 0 } },
	{ "userfaultfd", SYS_userfaultfd, 374, { 0, 0, 0, 0, 0 } },
	{ "keyctl", SYS_keyctl, 288, { 0, -3, 0, 0, 0 } },
	{ "add_key", SYS_add_key, 286, { BAD, BAD, 0, 0, -3 } },
	{ "request_key", SYS_request_key, 287, { BAD, BAD, 0, -3, 0 } },
	{ "open_by_handle_at", SYS_open_by_handle_at, 342, { BAD, BAD, 0, 0, 0 } },
	{ "name_to_handle_at", SYS_name_to_handle_at, 341, { BAD, BAD, BAD, BAD, 0 } },
	{ "quotactl", SYS_quotactl, 131, { 0x800007 << 8, BAD, 0, BAD, 0 } },
	{ "reboot", SYS_reboot, 88, { 1, 2, 3, 0, 0 } },
	{ "swapon", SYS_swapon, 87, { BAD, 0, 0, 0, 0 } },
	{ "swapoff", SYS_swapoff, 115, { BAD, 0, 0, 0, 0 } },
	{ "acct", SYS_acct, 51, { BAD, 0, 0, 0, 0 } },
	{ "settimeofday", SYS_settimeofday, 79, { BAD, 0, 0, 0, 0 } },
	{ "clock_settime", SYS_clock_settime, 264, { 0, BAD, 0, 0, 0 } },
	{ "sethostname", SYS_sethostname, 74, { BAD, 4, 0, 0, 0 } },
	{ "setdomainname", SYS_setdomainname, 121, { BAD, 4, 0, 0, 0 } },
	{ "syslog", SYS_syslog, 103, { 10, 0, 0, 0, 0 } },
	{ "init_module", SYS_init_module, 128, { BAD, 16, BAD, 0, 0 } },
	{ "finit_module", SYS_finit_module, 350, { BAD, BAD, 0, 0, 0 } },
	{ "delete_module", SYS_delete_module, 129, { BAD, 0, 0, 0, 0 } },
	{ "kexec_load", SYS_kexec_load, 283, { 0, 1, BAD, 0xffff0000L, 0 } },
	{ "iopl", SYS_iopl, 110, { 9, 0, 0, 0, 0 } },
	{ "ioperm", SYS_ioperm, 101, { 65536, 1, 1, 0, 0 } },
	{ "fanotify_init", SYS_fanotify_init, 338, { 0xffff, 0, 0, 0, 0 } },
	{ "clone3", 435, 435, { BAD, 64, 0, 0, 0 } },
};

static long invoke_native(long number, const long *a)
{
	return syscall(number, a[0], a[1], a[2], a[3], a[4]);
}

#if defined(__x86_64__)
static long invoke_int80(long number, const long *a)
{
	long result;
	__asm__ volatile("push %%rbx\n\tmov %2, %%ebx\n\tint $0x80\n\tpop %%rbx"
		: "=a"(result)
		: "a"(number), "r"((int) a[0]), "c"((int) a[1]), "d"((int) a[2]), "S"((int) a[3]), "D"((int) a[4])
		: "memory", "r8", "r9", "r10", "r11");
	int value = (int) result;
	if (value < 0 && value > -4096) {
		errno = -value;
		return -1;
	}
	return value;
}
#endif

/* musl has no strerrorname_np. */
static const char *error_name(int error)
{
	switch (error) {
	case EPERM: return "EPERM";
	case ENOSYS: return "ENOSYS";
	case EACCES: return "EACCES";
	case EFAULT: return "EFAULT";
	case EINVAL: return "EINVAL";
	case EBADF: return "EBADF";
	case ENOENT: return "ENOENT";
	default: return strerror(error);
	}
}

static void report(const char *entry, const char *name, long (*invoke)(long, const long *), long number, const long *arguments)
{
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		errno = 0;
		long result = invoke(number, arguments);
		_exit(result < 0 ? (errno > 250 ? 250 : errno) : 0);
	}
	int status = 0;
	waitpid(child, &status, 0);
	if (WIFSIGNALED(status))
		printf("%s %s killed\n", entry, name);
	else
		printf("%s %s %s\n", entry, name, WEXITSTATUS(status) ? error_name(WEXITSTATUS(status)) : "ok");
}

int main(void)
{
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		report("native", calls[i].name, invoke_native, calls[i].native, calls[i].arguments);
#if defined(__x86_64__)
		report("int80", calls[i].name, invoke_int80, calls[i].i386, calls[i].arguments);
		report("x32", calls[i].name, invoke_native, calls[i].native | 0x40000000, calls[i].arguments);
#endif
	}
	return 0;
}
