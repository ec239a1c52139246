#include "seccomp/prologue.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "seccomp/allowed.h"
#include "seccomp/core-key.h"

enum { IOCTL_X86_64 = 16, IOCTL_I386 = 54, SOCKET_X86_64 = 41, SOCKET_I386 = 359, SOCKETPAIR_X86_64 = 53, SOCKETPAIR_I386 = 360, X32_BIT = 0x40000000 };
/* socketcall: its first argument says which call it stands for, the others lie in memory. */
enum { SOCKETCALL_I386 = 102, SOCKETCALL_SOCKET = 1, SOCKETCALL_SOCKETPAIR = 8, SOCKETCALL_LAST = 20 };
enum { PRLIMIT_X86_64 = 302, PRLIMIT_I386 = 340, SETRLIMIT_X86_64 = 160, SETRLIMIT_I386 = 75 };
enum { CLONE_X86_64 = 56, CLONE_I386 = 120, PERSONALITY_X86_64 = 135, PERSONALITY_I386 = 136 };
/* CLONE_NEWNS NEWCGROUP NEWUTS NEWIPC NEWUSER NEWPID NEWNET */
enum { NEW_NAMESPACES = 0x7E020000 };
/* PER_LINUX, PER_LINUX32, either with UNAME26, and the question for the present one. */
enum { LINUX = 0, LINUX32 = 0x8, LINUX_UNAME26 = 0x20000, LINUX32_UNAME26 = 0x20008 };
#define ASK_PERSONALITY 0xffffffffu

#define LOAD(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (offset))
#define UPPER_HALF(argument) (offsetof(struct seccomp_data, args[argument]) + 4)
#define IF_EQUAL(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (yes), (no))
#define IF_ANY_BIT(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (value), (yes), (no))
#define IF_AT_LEAST(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (value), (yes), (no))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, (value))

/* Where jumps go: numbers of instructions below. */
enum {
	I386 = 3, X86_64 = 12, SOCKETCALL = 21, IOCTL = 25, SOCKETPAIR = 29, SOCKET = 31, INET = 36, NETLINK = 41, CLONE = 43, PERSONALITY = 45,
	PRLIMIT = 51, SET_CORE = 57, NO_KEY = 61, SETRLIMIT = 65, ALLOW = 67, REFUSE = 68, NO_FAMILY = 69, NO_PROTOCOL = 70, NO_EFFECT = 71, NO_CALL = 72,
	REST = 74,
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
		/*  9 */ IF_EQUAL(PRLIMIT_I386, TO(PRLIMIT, 9), 0),
		/* 10 */ IF_EQUAL(SETRLIMIT_I386, TO(SETRLIMIT, 10), 0),
		/* 11 */ IF_EQUAL(SOCKET_I386, TO(SOCKET, 11), TO(REST, 11)),
		/* 12 */ LOAD(offsetof(struct seccomp_data, nr)),
		/* 13 */ IF_EQUAL(IOCTL_X86_64, TO(IOCTL, 13), 0),
		/* 14 */ IF_EQUAL(CLONE_X86_64, TO(CLONE, 14), 0),
		/* 15 */ IF_EQUAL(PERSONALITY_X86_64, TO(PERSONALITY, 15), 0),
		/* 16 */ IF_EQUAL(SOCKET_X86_64, TO(SOCKET, 16), 0),
		/* 17 */ IF_EQUAL(SOCKETPAIR_X86_64, TO(SOCKETPAIR, 17), 0),
		/* 18 */ IF_EQUAL(PRLIMIT_X86_64, TO(PRLIMIT, 18), 0),
		/* 19 */ IF_EQUAL(SETRLIMIT_X86_64, TO(SETRLIMIT, 19), 0),
		/* 20 */ IF_AT_LEAST(FIRST_UNKNOWN_NUMBER_X86_64, TO(NO_CALL, 20), TO(REST, 20)),
		/* 21 */ LOAD(offsetof(struct seccomp_data, args[0])),
		/* 22 */ IF_EQUAL(SOCKETCALL_SOCKETPAIR, TO(REFUSE, 22), 0),
		/* 23 */ IF_AT_LEAST(SOCKETCALL_LAST + 1, TO(REFUSE, 23), 0),
		/* 24 */ IF_AT_LEAST(SOCKETCALL_SOCKET + 1, TO(ALLOW, 24), TO(REFUSE, 24)),
		/* 25 */ LOAD(offsetof(struct seccomp_data, args[1])),
		/* 26 */ IF_EQUAL(TIOCSTI, TO(REFUSE, 26), 0),
		/* 27 */ IF_EQUAL(TIOCSETD, TO(REFUSE, 27), 0),
		/* 28 */ IF_EQUAL(TIOCLINUX, TO(REFUSE, 28), TO(ALLOW, 28)),
		/* 29 */ LOAD(offsetof(struct seccomp_data, args[0])),
		/* 30 */ IF_EQUAL(AF_UNIX, TO(ALLOW, 30), TO(REFUSE, 30)),
		/* 31 */ LOAD(offsetof(struct seccomp_data, args[0])),
		/* 32 */ IF_EQUAL(AF_UNIX, TO(ALLOW, 32), 0),
		/* 33 */ IF_EQUAL(AF_INET, TO(INET, 33), 0),
		/* 34 */ IF_EQUAL(AF_INET6, TO(NO_FAMILY, 34), 0),
		/* 35 */ IF_EQUAL(AF_NETLINK, TO(NETLINK, 35), TO(REFUSE, 35)),
		/* 36 */ LOAD(offsetof(struct seccomp_data, args[2])),
		/* 37 */ IF_EQUAL(0, TO(ALLOW, 37), 0),
		/* 38 */ IF_EQUAL(IPPROTO_ICMP, TO(ALLOW, 38), 0),
		/* 39 */ IF_EQUAL(IPPROTO_TCP, TO(ALLOW, 39), 0),
		/* 40 */ IF_EQUAL(IPPROTO_UDP, TO(ALLOW, 40), TO(NO_PROTOCOL, 40)),
		/* 41 */ LOAD(offsetof(struct seccomp_data, args[2])),
		/* 42 */ IF_EQUAL(NETLINK_ROUTE, TO(ALLOW, 42), TO(REFUSE, 42)),
		/* 43 */ LOAD(offsetof(struct seccomp_data, args[0])),
		/* 44 */ IF_ANY_BIT(NEW_NAMESPACES, TO(REFUSE, 44), TO(ALLOW, 44)),
		/* 45 */ LOAD(offsetof(struct seccomp_data, args[0])),
		/* 46 */ IF_EQUAL(LINUX, TO(ALLOW, 46), 0),
		/* 47 */ IF_EQUAL(LINUX32, TO(ALLOW, 47), 0),
		/* 48 */ IF_EQUAL(LINUX_UNAME26, TO(ALLOW, 48), 0),
		/* 49 */ IF_EQUAL(LINUX32_UNAME26, TO(ALLOW, 49), 0),
		/* 50 */ IF_EQUAL(ASK_PERSONALITY, TO(ALLOW, 50), TO(REFUSE, 50)),
		/* 51 */ LOAD(offsetof(struct seccomp_data, args[1])),
		/* 52 */ IF_EQUAL(RLIMIT_CORE, 0, TO(ALLOW, 52)),
		/* 53 */ LOAD(offsetof(struct seccomp_data, args[2])),
		/* 54 */ IF_EQUAL(0, 0, TO(SET_CORE, 54)),
		/* 55 */ LOAD(UPPER_HALF(2)),
		/* 56 */ IF_EQUAL(0, TO(ALLOW, 56), 0), /* no new limit: it is only read */
		/* 57 */ LOAD(UPPER_HALF(0)),
		/* 58 */ IF_EQUAL(CORE_KEY_FIRST, 0, TO(NO_KEY, 58)),
		/* 59 */ LOAD(UPPER_HALF(1)),
		/* 60 */ IF_EQUAL(CORE_KEY_SECOND, TO(ALLOW, 60), 0),
		/* 61 */ LOAD(offsetof(struct seccomp_data, args[3])),
		/* 62 */ IF_EQUAL(0, 0, TO(REFUSE, 62)), /* the old limit cannot be pretended */
		/* 63 */ LOAD(UPPER_HALF(3)),
		/* 64 */ IF_EQUAL(0, TO(NO_EFFECT, 64), TO(REFUSE, 64)),
		/* 65 */ LOAD(offsetof(struct seccomp_data, args[0])),
		/* 66 */ IF_EQUAL(RLIMIT_CORE, TO(NO_EFFECT, 66), TO(ALLOW, 66)),
		/* 67 */ RETURN(SECCOMP_RET_ALLOW),
		/* 68 */ RETURN(SECCOMP_RET_ERRNO | EPERM),
		/* 69 */ RETURN(SECCOMP_RET_ERRNO | EAFNOSUPPORT),
		/* 70 */ RETURN(SECCOMP_RET_ERRNO | EPROTONOSUPPORT),
		/* 71 */ RETURN(SECCOMP_RET_ERRNO | 0),
		/* 72 */ IF_AT_LEAST(X32_BIT, TO(REST, 72), 0), /* x32: libseccomp's program kills it */
		/* 73 */ RETURN(SECCOMP_RET_ERRNO | ENOSYS),
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
		{ AUDIT_ARCH_I386, SOCKET_I386 }, { AUDIT_ARCH_I386, SOCKETPAIR_I386 }, { AUDIT_ARCH_X86_64, PRLIMIT_X86_64 },
		{ AUDIT_ARCH_X86_64, SETRLIMIT_X86_64 }, { AUDIT_ARCH_I386, PRLIMIT_I386 }, { AUDIT_ARCH_I386, SETRLIMIT_I386 },
	};
	*ret_decided = decided;
	return sizeof decided / sizeof decided[0];
}
