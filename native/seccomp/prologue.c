#include "seccomp/prologue.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "seccomp/allowed.h"

enum { IOCTL_X86_64 = 16, IOCTL_I386 = 54, SOCKET_X86_64 = 41, SOCKET_I386 = 359, SOCKETPAIR_X86_64 = 53, SOCKETPAIR_I386 = 360, X32_BIT = 0x40000000 };
/* socketcall: its first argument says which call it stands for, the others lie in memory. */
enum { SOCKETCALL_I386 = 102, SOCKETCALL_SOCKET = 1, SOCKETCALL_SOCKETPAIR = 8, SOCKETCALL_LAST = 20 };
enum { CLONE_X86_64 = 56, CLONE_I386 = 120, PERSONALITY_X86_64 = 135, PERSONALITY_I386 = 136 };
/* CLONE_NEWNS NEWCGROUP NEWUTS NEWIPC NEWUSER NEWPID NEWNET */
enum { NEW_NAMESPACES = 0x7E020000 };
/* PER_LINUX, PER_LINUX32, either with UNAME26, and the question for the present one. */
enum { LINUX = 0, LINUX32 = 0x8, LINUX_UNAME26 = 0x20000, LINUX32_UNAME26 = 0x20008 };
#define ASK_PERSONALITY 0xffffffffu

#define LOAD(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (offset))
#define IF_EQUAL(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (yes), (no))
#define IF_ANY_BIT(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (value), (yes), (no))
#define IF_AT_LEAST(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (value), (yes), (no))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, (value))

/* Where jumps go: numbers of instructions below. */
enum {
	I386 = 3, X86_64 = 10, SOCKETCALL = 17, IOCTL = 21, SOCKETPAIR = 25, SOCKET = 27, INET = 32, NETLINK = 37, CLONE = 39, PERSONALITY = 41,
	ALLOW = 47, REFUSE = 48, NO_FAMILY = 49, NO_PROTOCOL = 50, NO_CALL = 51, REST = 53,
};
/* A jump's distance counts from the instruction after it. */
#define TO(target, here) ((target) - (here) - 1)

size_t prologue_instructions(const struct sock_filter **ret_instructions)
{
	/* Arguments are loaded by their low half (the architectures are little-endian): the kernel takes these as int. */
	static const struct sock_filter instructions[] = {
		/*  0 */ LOAD(offsetof(struct seccomp_data, arch)),
		/*  1 */ IF_EQUAL(AUDIT_ARCH_X86_64, TO(X86_64, 1), 0),
		/*  2 */ IF_EQUAL(AUDIT_ARCH_I386, TO(I386, 2), TO(REST, 2)),
		/*  3 */ LOAD(offsetof(struct seccomp_data, nr)),
		/*  4 */ IF_EQUAL(IOCTL_I386, TO(IOCTL, 4), 0),
		/*  5 */ IF_EQUAL(CLONE_I386, TO(CLONE, 5), 0),
		/*  6 */ IF_EQUAL(PERSONALITY_I386, TO(PERSONALITY, 6), 0),
		/*  7 */ IF_EQUAL(SOCKETCALL_I386, TO(SOCKETCALL, 7), 0),
		/*  8 */ IF_EQUAL(SOCKETPAIR_I386, TO(SOCKETPAIR, 8), 0),
		/*  9 */ IF_EQUAL(SOCKET_I386, TO(SOCKET, 9), TO(REST, 9)),
		/* 10 */ LOAD(offsetof(struct seccomp_data, nr)),
		/* 11 */ IF_EQUAL(IOCTL_X86_64, TO(IOCTL, 11), 0),
		/* 12 */ IF_EQUAL(CLONE_X86_64, TO(CLONE, 12), 0),
		/* 13 */ IF_EQUAL(PERSONALITY_X86_64, TO(PERSONALITY, 13), 0),
		/* 14 */ IF_EQUAL(SOCKET_X86_64, TO(SOCKET, 14), 0),
		/* 15 */ IF_EQUAL(SOCKETPAIR_X86_64, TO(SOCKETPAIR, 15), 0),
		/* 16 */ IF_AT_LEAST(FIRST_UNKNOWN_NUMBER_X86_64, TO(NO_CALL, 16), TO(REST, 16)),
		/* 17 */ LOAD(offsetof(struct seccomp_data, args[0])),
		/* 18 */ IF_EQUAL(SOCKETCALL_SOCKETPAIR, TO(REFUSE, 18), 0),
		/* 19 */ IF_AT_LEAST(SOCKETCALL_LAST + 1, TO(REFUSE, 19), 0),
		/* 20 */ IF_AT_LEAST(SOCKETCALL_SOCKET + 1, TO(ALLOW, 20), TO(REFUSE, 20)),
		/* 21 */ LOAD(offsetof(struct seccomp_data, args[1])),
		/* 22 */ IF_EQUAL(TIOCSTI, TO(REFUSE, 22), 0),
		/* 23 */ IF_EQUAL(TIOCSETD, TO(REFUSE, 23), 0),
		/* 24 */ IF_EQUAL(TIOCLINUX, TO(REFUSE, 24), TO(ALLOW, 24)),
		/* 25 */ LOAD(offsetof(struct seccomp_data, args[0])),
		/* 26 */ IF_EQUAL(AF_UNIX, TO(ALLOW, 26), TO(REFUSE, 26)),
		/* 27 */ LOAD(offsetof(struct seccomp_data, args[0])),
		/* 28 */ IF_EQUAL(AF_UNIX, TO(ALLOW, 28), 0),
		/* 29 */ IF_EQUAL(AF_INET, TO(INET, 29), 0),
		/* 30 */ IF_EQUAL(AF_INET6, TO(NO_FAMILY, 30), 0),
		/* 31 */ IF_EQUAL(AF_NETLINK, TO(NETLINK, 31), TO(REFUSE, 31)),
		/* 32 */ LOAD(offsetof(struct seccomp_data, args[2])),
		/* 33 */ IF_EQUAL(0, TO(ALLOW, 33), 0),
		/* 34 */ IF_EQUAL(IPPROTO_ICMP, TO(ALLOW, 34), 0),
		/* 35 */ IF_EQUAL(IPPROTO_TCP, TO(ALLOW, 35), 0),
		/* 36 */ IF_EQUAL(IPPROTO_UDP, TO(ALLOW, 36), TO(NO_PROTOCOL, 36)),
		/* 37 */ LOAD(offsetof(struct seccomp_data, args[2])),
		/* 38 */ IF_EQUAL(NETLINK_ROUTE, TO(ALLOW, 38), TO(REFUSE, 38)),
		/* 39 */ LOAD(offsetof(struct seccomp_data, args[0])),
		/* 40 */ IF_ANY_BIT(NEW_NAMESPACES, TO(REFUSE, 40), TO(ALLOW, 40)),
		/* 41 */ LOAD(offsetof(struct seccomp_data, args[0])),
		/* 42 */ IF_EQUAL(LINUX, TO(ALLOW, 42), 0),
		/* 43 */ IF_EQUAL(LINUX32, TO(ALLOW, 43), 0),
		/* 44 */ IF_EQUAL(LINUX_UNAME26, TO(ALLOW, 44), 0),
		/* 45 */ IF_EQUAL(LINUX32_UNAME26, TO(ALLOW, 45), 0),
		/* 46 */ IF_EQUAL(ASK_PERSONALITY, TO(ALLOW, 46), TO(REFUSE, 46)),
		/* 47 */ RETURN(SECCOMP_RET_ALLOW),
		/* 48 */ RETURN(SECCOMP_RET_ERRNO | EPERM),
		/* 49 */ RETURN(SECCOMP_RET_ERRNO | EAFNOSUPPORT),
		/* 50 */ RETURN(SECCOMP_RET_ERRNO | EPROTONOSUPPORT),
		/* 51 */ IF_AT_LEAST(X32_BIT, TO(REST, 51), 0), /* x32: libseccomp's program kills it */
		/* 52 */ RETURN(SECCOMP_RET_ERRNO | ENOSYS),
	};
	*ret_instructions = instructions;
	return sizeof instructions / sizeof instructions[0];
}

size_t prologue_decided(const struct decided **ret_decided)
{
	static const struct decided decided[] = {
		{ AUDIT_ARCH_X86_64, IOCTL_X86_64 }, { AUDIT_ARCH_X86_64, CLONE_X86_64 }, { AUDIT_ARCH_X86_64, PERSONALITY_X86_64 },
		{ AUDIT_ARCH_X86_64, SOCKET_X86_64 }, { AUDIT_ARCH_X86_64, SOCKETPAIR_X86_64 }, { AUDIT_ARCH_I386, IOCTL_I386 },
		{ AUDIT_ARCH_I386, CLONE_I386 }, { AUDIT_ARCH_I386, PERSONALITY_I386 }, { AUDIT_ARCH_I386, SOCKETCALL_I386 },
		{ AUDIT_ARCH_I386, SOCKET_I386 }, { AUDIT_ARCH_I386, SOCKETPAIR_I386 },
	};
	*ret_decided = decided;
	return sizeof decided / sizeof decided[0];
}
