/*
 * seccomp-compile FILE: writes the container's system call filter as raw BPF (struct sock_filter).
 *
 * It runs at build time, because libseccomp needs glibc and milliseconds, and wshd has neither. wshd loads the result once, jobs inherit it.
 * The filter is an allow-list: anything not named fails with EPERM. Architectures: x86-64 and i386 (the same list); x32 and everything
 * else kill the process. Rules with conditions:
 *   clone        only without flags for new namespaces       clone3   ENOSYS: its flags lie in memory, the C library falls back to clone
 *   personality  the values that cannot weaken anything
 * and, before libseccomp's program (seccomp/prologue.c), because its rules cannot say them:
 *   socket       UNIX; INET with ICMP, TCP, UDP; NETLINK with the route protocol. INET6 answers EAFNOSUPPORT, as on a machine without IPv6.
 *                For i386 libseccomp would turn a rule for socket into one for socketcall, whose arguments lie in memory:
 *                there socketcall(SOCKET or SOCKETPAIR) is refused and socket, by number, is decided like on x86-64
 *   socketpair   UNIX
 *   ioctl        TIOCSTI, TIOCLINUX and TIOCSETD refused by the low 32 bits
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "seccomp/allowed.h"
#include "seccomp/prologue.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* CLONE_NEWNS NEWCGROUP NEWUTS NEWIPC NEWUSER NEWPID NEWNET */
static const scmp_datum_t new_namespaces = 0x7E020000;
static const scmp_datum_t personalities[] = { 0x0, 0x8, 0x20000, 0x20008, 0xffffffff };

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
	return 0;
}

static int add_conditional_calls(scmp_filter_ctx context)
{
	int error = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, new_namespaces, 0));
	if (error < 0)
		return fail("clone", error);
	error = seccomp_rule_add(context, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (error < 0)
		return fail("clone3", error);

	for (size_t i = 0; i < COUNT(personalities); i++) {
		error = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(personality), 1, SCMP_A0(SCMP_CMP_EQ, personalities[i]));
		if (error < 0)
			return fail("personality", error);
	}
	return 0;
}

static int configure(scmp_filter_ctx context)
{
	int error = seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (error < 0)
		return fail("optimise as a binary tree", error);
	error = seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (error < 0)
		return fail("kill unknown architectures", error);
	if (seccomp_arch_native() != SCMP_ARCH_X86_64)
		return 0;
	for (size_t i = 0; i < COUNT(allowed_numbers_x86_64); i++) {
		error = seccomp_rule_add(context, SCMP_ACT_ALLOW, allowed_numbers_x86_64[i], 0);
		if (error < 0)
			return fail("calls by number", error);
	}
	/* After the rules by number, which mean x86-64 only. */
	error = seccomp_arch_add(context, SCMP_ARCH_X86);
	return error < 0 ? fail("add i386", error) : 0;
}

static int export_program(scmp_filter_ctx context, int file, size_t *ret_instructions)
{
	size_t count = 0;
	const struct sock_filter *instructions;
	if (seccomp_arch_native() == SCMP_ARCH_X86_64) {
		count = prologue_instructions(&instructions);
		if (write(file, instructions, count * sizeof *instructions) != (ssize_t)(count * sizeof *instructions))
			return fail("write the prologue", errno);
	}
	int error = seccomp_export_bpf(context, file);
	if (error < 0)
		return fail("export", error);
	off_t size = lseek(file, 0, SEEK_END);
	if (size < 0)
		return fail("size of the program", errno);
	*ret_instructions = (size_t)size / sizeof(struct sock_filter);
	return *ret_instructions <= BPF_MAXINSNS ? 0 : fail("size of the program", E2BIG);
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
	if (configure(context) < 0 || add_plain_calls(context) < 0 || add_conditional_calls(context) < 0)
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
