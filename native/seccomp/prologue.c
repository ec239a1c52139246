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
enum { SOCKETCALL_I386 = 102, SOCKETCALL_SOCKET = 1, SOCKETCALL_SOCKETPAIR = 8 };

#define LOAD(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (offset))
#define IF_EQUAL(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (yes), (no))
#define IF_AT_LEAST(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (value), (yes), (no))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, (value))

/* Where jumps go: numbers of instructions below. */
enum {
	I386 = 2, X86_64 = 7, SOCKETCALL = 12, IOCTL = 15, SOCKETPAIR = 19, SOCKET = 21, INET = 26, NETLINK = 31,
	ALLOW = 33, REFUSE = 34, NO_FAMILY = 35, NO_PROTOCOL = 36, NO_CALL = 37, REST = 39,
};
/* A jump's distance counts from the instruction after it. */
#define TO(target, here) ((target) - (here) - 1)

size_t prologue_instructions(const struct sock_filter **ret_instructions)
{
	/* Arguments are loaded by their low half (the architectures are little-endian): the kernel takes these as int. */
	static const struct sock_filter instructions[] = {
		/*  0 */ LOAD(offsetof(struct seccomp_data, arch)),
		/*  1 */ IF_EQUAL(AUDIT_ARCH_X86_64, TO(X86_64, 1), TO(I386, 1)),
		/*  2 */ LOAD(offsetof(struct seccomp_data, nr)),
		/*  3 */ IF_EQUAL(IOCTL_I386, TO(IOCTL, 3), 0),
		/*  4 */ IF_EQUAL(SOCKETCALL_I386, TO(SOCKETCALL, 4), 0),
		/*  5 */ IF_EQUAL(SOCKETPAIR_I386, TO(SOCKETPAIR, 5), 0),
		/*  6 */ IF_EQUAL(SOCKET_I386, TO(SOCKET, 6), TO(REST, 6)),
		/*  7 */ LOAD(offsetof(struct seccomp_data, nr)),
		/*  8 */ IF_EQUAL(IOCTL_X86_64, TO(IOCTL, 8), 0),
		/*  9 */ IF_EQUAL(SOCKET_X86_64, TO(SOCKET, 9), 0),
		/* 10 */ IF_EQUAL(SOCKETPAIR_X86_64, TO(SOCKETPAIR, 10), 0),
		/* 11 */ IF_AT_LEAST(FIRST_UNKNOWN_NUMBER_X86_64, TO(NO_CALL, 11), TO(REST, 11)),
		/* 12 */ LOAD(offsetof(struct seccomp_data, args[0])),
		/* 13 */ IF_EQUAL(SOCKETCALL_SOCKET, TO(REFUSE, 13), 0),
		/* 14 */ IF_EQUAL(SOCKETCALL_SOCKETPAIR, TO(REFUSE, 14), TO(REST, 14)),
		/* 15 */ LOAD(offsetof(struct seccomp_data, args[1])),
		/* 16 */ IF_EQUAL(TIOCSTI, TO(REFUSE, 16), 0),
		/* 17 */ IF_EQUAL(TIOCSETD, TO(REFUSE, 17), 0),
		/* 18 */ IF_EQUAL(TIOCLINUX, TO(REFUSE, 18), TO(ALLOW, 18)),
		/* 19 */ LOAD(offsetof(struct seccomp_data, args[0])),
		/* 20 */ IF_EQUAL(AF_UNIX, TO(ALLOW, 20), TO(REFUSE, 20)),
		/* 21 */ LOAD(offsetof(struct seccomp_data, args[0])),
		/* 22 */ IF_EQUAL(AF_UNIX, TO(ALLOW, 22), 0),
		/* 23 */ IF_EQUAL(AF_INET, TO(INET, 23), 0),
		/* 24 */ IF_EQUAL(AF_INET6, TO(NO_FAMILY, 24), 0),
		/* 25 */ IF_EQUAL(AF_NETLINK, TO(NETLINK, 25), TO(REFUSE, 25)),
		/* 26 */ LOAD(offsetof(struct seccomp_data, args[2])),
		/* 27 */ IF_EQUAL(0, TO(ALLOW, 27), 0),
		/* 28 */ IF_EQUAL(IPPROTO_ICMP, TO(ALLOW, 28), 0),
		/* 29 */ IF_EQUAL(IPPROTO_TCP, TO(ALLOW, 29), 0),
		/* 30 */ IF_EQUAL(IPPROTO_UDP, TO(ALLOW, 30), TO(NO_PROTOCOL, 30)),
		/* 31 */ LOAD(offsetof(struct seccomp_data, args[2])),
		/* 32 */ IF_EQUAL(NETLINK_ROUTE, TO(ALLOW, 32), TO(REFUSE, 32)),
		/* 33 */ RETURN(SECCOMP_RET_ALLOW),
		/* 34 */ RETURN(SECCOMP_RET_ERRNO | EPERM),
		/* 35 */ RETURN(SECCOMP_RET_ERRNO | EAFNOSUPPORT),
		/* 36 */ RETURN(SECCOMP_RET_ERRNO | EPROTONOSUPPORT),
		/* 37 */ IF_AT_LEAST(X32_BIT, TO(REST, 37), 0), /* x32: libseccomp's program kills it */
		/* 38 */ RETURN(SECCOMP_RET_ERRNO | ENOSYS),
	};
	*ret_instructions = instructions;
	return sizeof instructions / sizeof instructions[0];
}
