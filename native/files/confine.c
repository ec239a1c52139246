#include "files/confine.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/syscalls.h"

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* linux/landlock.h in its seventh version, of which the headers that we build with may know only the first. */
enum { CREATE_RULESET_VERSION = 1, RULE_PATH_BENEATH = 1 };
enum {
	EXECUTE = 1 << 0, WRITE_FILE = 1 << 1, READ_FILE = 1 << 2, READ_DIR = 1 << 3, REMOVE_DIR = 1 << 4, REMOVE_FILE = 1 << 5, MAKE_CHAR = 1 << 6,
	MAKE_DIR = 1 << 7, MAKE_REG = 1 << 8, MAKE_SOCK = 1 << 9, MAKE_FIFO = 1 << 10, MAKE_BLOCK = 1 << 11, MAKE_SYM = 1 << 12,
	REFER = 1 << 13,       /* since version 2: between directories */
	TRUNCATE = 1 << 14,    /* 3 */
	IOCTL_DEVICE = 1 << 15, /* 5 */
};
enum { TCP_BIND = 1 << 0, TCP_CONNECT = 1 << 1 };             /* 4 */
enum { SCOPE_ABSTRACT_SOCKET = 1 << 0, SCOPE_SIGNAL = 1 << 1 }; /* 6 */

struct ruleset {
	uint64_t handled_files, handled_network, scoped;
};

struct path_rule {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

static uint64_t files_known(int version)
{
	uint64_t known = MAKE_SYM | (MAKE_SYM - 1);

	if (version >= 2)
		known |= REFER;
	if (version >= 3)
		known |= TRUNCATE;
	if (version >= 5)
		known |= IOCTL_DEVICE;
	return known;
}

static uint64_t allowed_by(enum confine_access access, uint64_t known)
{
	switch (access) {
	case CONFINE_READ_FILE:
		return READ_FILE;
	case CONFINE_READ_TREE:
		return READ_FILE | READ_DIR;
	default:
		return known & ~(uint64_t)(EXECUTE | MAKE_CHAR | MAKE_BLOCK | MAKE_SOCK | MAKE_FIFO | IOCTL_DEVICE);
	}
}

int confine_to_trees(const int *trees, size_t count, enum confine_access access, struct error *err)
{
	err->step = "confine to trees";
	int version = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);

	if (version < 1)
		return 0;
	uint64_t known = files_known(version);
	struct ruleset wanted = {
		.handled_files = known,
		.handled_network = version >= 4 ? TCP_BIND | TCP_CONNECT : 0,
		.scoped = version >= 6 ? SCOPE_ABSTRACT_SOCKET | SCOPE_SIGNAL : 0,
	};
	size_t size = version >= 6 ? sizeof(wanted) : version >= 4 ? offsetof(struct ruleset, scoped) : offsetof(struct ruleset, handled_network);
	_cleanup_close_ int ruleset = (int)syscall(SYS_landlock_create_ruleset, &wanted, size, 0);

	if (ruleset < 0)
		return error_set(err, errno, "landlock_create_ruleset");
	for (size_t i = 0; i < count; i++) {
		const struct path_rule rule = {
			.allowed = allowed_by(access, known),
			.parent = trees[i],
		};

		if (syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0) < 0)
			return error_set(err, errno, "landlock_add_rule");
	}
	return syscall(SYS_landlock_restrict_self, ruleset, 0) < 0 ? error_set(err, errno, "landlock_restrict_self") : 0;
}

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

static const int allowed_calls[] = {
	/* the connection */
	SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_recvmsg, SYS_sendmsg, SYS_recvfrom, SYS_sendto, SYS_shutdown, SYS_ppoll,
#ifdef SYS_poll
	SYS_poll,
#endif
	/* files */
	SYS_openat, SYS_openat2, SYS_close, SYS_close_range, SYS_fstat, SYS_newfstatat, SYS_statx, SYS_fstatfs, SYS_getdents64, SYS_lseek, SYS_pread64,
	SYS_pwrite64, SYS_copy_file_range, SYS_sendfile, SYS_splice, SYS_ftruncate, SYS_fallocate, SYS_fadvise64, SYS_mkdirat, SYS_unlinkat,
#ifdef SYS_renameat
	SYS_renameat,
#endif
	SYS_renameat2, SYS_linkat, SYS_symlinkat, SYS_readlinkat, SYS_fchmod, SYS_fchmodat, SYS_fchmodat2, SYS_fchown, SYS_fchownat, SYS_utimensat,
	SYS_faccessat, SYS_faccessat2, SYS_fcntl, SYS_dup, SYS_dup3, SYS_fchdir, SYS_umask,
	/* the C library */
	SYS_mmap, SYS_munmap, SYS_mremap, SYS_mprotect, SYS_madvise, SYS_brk, SYS_clock_gettime, SYS_getrandom, SYS_getpid, SYS_rt_sigaction,
	SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_restart_syscall, SYS_futex, SYS_exit, SYS_exit_group,
};

/* Load the architecture, compare, load the number, refuse x32, compare with each, kill, allow. */
enum { BEFORE = 5, AFTER = 2 };

int confine_calls(struct error *err)
{
	struct sock_filter instructions[BEFORE + COUNT(allowed_calls) + AFTER];
	size_t count = 0;
	struct sock_fprog program = { .filter = instructions };

	err->step = "confine system calls";
	instructions[count++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	instructions[count++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
	instructions[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	instructions[count++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < COUNT(allowed_calls); i++)
		instructions[count++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)allowed_calls[i], (uint8_t)(COUNT(allowed_calls) - i), 0);
	instructions[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	instructions[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	program.len = (unsigned short)count;
	const long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);

	if (result != 0)
		return error_set(err, result < 0 ? errno : ESRCH, "%zu instructions", count);
	return 0;
}
