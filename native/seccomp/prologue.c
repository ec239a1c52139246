#include "seccomp/prologue.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "seccomp/allowed.h"

enum { IOCTL_X86_64 = 16, IOCTL_I386 = 54, SOCKET_X86_64 = 41, SOCKET_I386 = 359, X32_BIT = 0x40000000 };

#define LOAD(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (offset))
#define IF_EQUAL(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (yes), (no))
#define IF_AT_LEAST(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (value), (yes), (no))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, (value))

/* Where jumps go: numbers of instructions below. */
enum { I386 = 2, X86_64 = 5, IOCTL = 9, SOCKET = 12, ALLOW = 19, REFUSE = 20, NO_FAMILY = 21, NO_CALL = 22, REST = 24 };
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
		/*  4 */ IF_EQUAL(SOCKET_I386, TO(SOCKET, 4), TO(REST, 4)),
		/*  5 */ LOAD(offsetof(struct seccomp_data, nr)),
		/*  6 */ IF_EQUAL(IOCTL_X86_64, TO(IOCTL, 6), 0),
		/*  7 */ IF_EQUAL(SOCKET_X86_64, TO(SOCKET, 7), 0),
		/*  8 */ IF_AT_LEAST(FIRST_UNKNOWN_NUMBER_X86_64, TO(NO_CALL, 8), TO(REST, 8)),
		/*  9 */ LOAD(offsetof(struct seccomp_data, args[1])),
		/* 10 */ IF_EQUAL(TIOCSTI, TO(REFUSE, 10), 0),
		/* 11 */ IF_EQUAL(TIOCLINUX, TO(REFUSE, 11), TO(ALLOW, 11)),
		/* 12 */ LOAD(offsetof(struct seccomp_data, args[0])),
		/* 13 */ IF_EQUAL(AF_UNIX, TO(ALLOW, 13), 0),
		/* 14 */ IF_EQUAL(AF_INET, TO(ALLOW, 14), 0),
		/* 15 */ IF_EQUAL(AF_INET6, TO(NO_FAMILY, 15), 0),
		/* 16 */ IF_EQUAL(AF_NETLINK, 0, TO(REFUSE, 16)),
		/* 17 */ LOAD(offsetof(struct seccomp_data, args[2])),
		/* 18 */ IF_EQUAL(NETLINK_ROUTE, 0, TO(REFUSE, 18)),
		/* 19 */ RETURN(SECCOMP_RET_ALLOW),
		/* 20 */ RETURN(SECCOMP_RET_ERRNO | EPERM),
		/* 21 */ RETURN(SECCOMP_RET_ERRNO | EAFNOSUPPORT),
		/* 22 */ IF_AT_LEAST(X32_BIT, TO(REST, 22), 0), /* x32: libseccomp's program kills it */
		/* 23 */ RETURN(SECCOMP_RET_ERRNO | ENOSYS),
	};
	*ret_instructions = instructions;
	return sizeof instructions / sizeof instructions[0];
}
