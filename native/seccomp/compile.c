/*
 * seccomp-compile FILE: writes the container's system call filter as raw BPF (struct sock_filter).
 *
 * It runs at build time, because libseccomp needs glibc and milliseconds, and wshd has neither. wshd loads the result once, jobs inherit it.
 * The filter is an allow-list: anything not named fails with EPERM. Architectures: x86-64 and i386 (the same list); x32 and everything
 * else kill the process. clone3 answers ENOSYS: its flags lie in memory, and the C library falls back to clone. What is decided by arguments stands
 * before libseccomp's program (seccomp/prologue.c), because its rules cannot say it, or so that its program looks at numbers alone and can be made
 * short (seccomp/compact.c):
 *   clone        only without flags for new namespaces
 *   personality  the values that cannot weaken anything
 *   socket       UNIX; INET with ICMP, TCP, UDP; NETLINK with the route protocol. INET6 answers EAFNOSUPPORT, as on a machine without IPv6.
 *                i386's socketcall has its arguments in memory: SOCKET and SOCKETPAIR are refused there, the others are allowed
 *   socketpair   UNIX
 *   prlimit64    RLIMIT_CORE is set by wshd alone; for others that has no effect and is no error, because programs that are careful with
 *   setrlimit    their memory set it to 0 and end when they cannot
 *   ioctl        TIOCSTI, TIOCLINUX and TIOCSETD refused by the low 32 bits
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "seccomp/allowed.h"
#include "seccomp/compact.h"
#include "seccomp/prologue.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int fail(const char *step, int error)
{
	fprintf(stderr, "seccomp-compile: %s: %s\n", step, strerror(error < 0 ? -error : error));
	return -1;
}

static int add_plain_calls(scmp_filter_ctx context)
{
	for (size_t i = 0; i < COUNT(allowed_calls); i++) {
		int number = seccomp_syscall_resolve_name(allowed_calls[i]);
		if (number == __NR_SCMP_ERROR)
			continue;
		int error = seccomp_rule_add(context, SCMP_ACT_ALLOW, number, 0);
		if (error < 0)
			return fail(allowed_calls[i], error);
	}
	int error = seccomp_rule_add(context, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return error < 0 ? fail("clone3", error) : 0;
}

static int configure(scmp_filter_ctx context)
{
	int error = seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (error < 0)
		return fail("optimise as a binary tree", error);
	error = seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (error < 0)
		return fail("kill unknown architectures", error);
	/* The prologue has the numbers of x86-64 and i386. */
	if (seccomp_arch_native() != SCMP_ARCH_X86_64)
		return fail("this machine's architecture", ENOTSUP);
	for (size_t i = 0; i < COUNT(allowed_numbers_x86_64); i++) {
		error = seccomp_rule_add(context, SCMP_ACT_ALLOW, allowed_numbers_x86_64[i], 0);
		if (error < 0)
			return fail("calls by number", error);
	}
	/* After the rules by number, which mean x86-64 only. */
	error = seccomp_arch_add(context, SCMP_ARCH_X86);
	return error < 0 ? fail("add i386", error) : 0;
}

/* libseccomp's program, by way of a file in memory. *ret_program is the caller's to free. */
static int take_program(scmp_filter_ctx context, struct sock_filter **ret_program, size_t *ret_count)
{
	struct sock_filter program[BPF_MAXINSNS];
	int file = memfd_create("filter", MFD_CLOEXEC);
	if (file < 0)
		return fail("memfd_create", errno);
	int error = seccomp_export_bpf(context, file);
	ssize_t size = error < 0 ? error : pread(file, program, sizeof program, 0);
	close(file);
	if (size <= 0 || size % (ssize_t)sizeof program[0] != 0)
		return fail("export", size < 0 ? error : EBADMSG);
	const struct decided *decided;
	size_t decided_count = prologue_decided(&decided);
	error = compact(program, (size_t)size / sizeof program[0], decided, decided_count, ret_program, ret_count);
	return error < 0 ? fail("shorten the program", error) : 0;
}

static int write_instructions(int file, const struct sock_filter *instructions, size_t count)
{
	ssize_t size = (ssize_t)(count * sizeof *instructions);
	return write(file, instructions, (size_t)size) == size ? 0 : fail("write", errno);
}

static int export_program(scmp_filter_ctx context, int file, size_t *ret_instructions)
{
	const struct sock_filter *prologue;
	struct sock_filter *program = NULL;
	size_t prologue_count = prologue_instructions(&prologue), count = 0;
	if (take_program(context, &program, &count) < 0)
		return -1;
	*ret_instructions = prologue_count + count;
	int result = *ret_instructions <= BPF_MAXINSNS ? 0 : fail("size of the program", E2BIG);
	if (result == 0)
		result = write_instructions(file, prologue, prologue_count);
	if (result == 0)
		result = write_instructions(file, program, count);
	free(program);
	return result;
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: seccomp-compile FILE\n");
		return 2;
	}
	scmp_filter_ctx context = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (context == NULL) {
		fail("start a filter", ENOMEM);
		return 1;
	}
	int status = 1;
	size_t instructions = 0;
	int file = -1;
	if (configure(context) < 0 || add_plain_calls(context) < 0)
		goto out;
	file = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (file < 0) {
		fail(argv[1], errno);
		goto out;
	}
	if (export_program(context, file, &instructions) < 0)
		goto out;
	printf("%s: %zu instructions\n", argv[1], instructions);
	status = 0;
out:
	if (file >= 0 && close(file) < 0 && status == 0)
		status = fail(argv[1], errno) < 0;
	if (status != 0 && file >= 0)
		unlink(argv[1]);
	seccomp_release(context);
	return status;
}
