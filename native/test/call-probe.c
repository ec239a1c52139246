/*
 * Runs in a container: makes system calls as an x86-64 and, by int 0x80, as an i386 program, and prints "ARCHITECTURE CALL ARGUMENT ERRNO",
 * one line each, 0 for success.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALL_COUNT(array) (sizeof(array) / sizeof((array)[0]))

static long call_i386(long number, long a, long b, long c, long d)
{
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d) : "memory", "r8", "r9", "r10", "r11");
	return (int)result;
}

static long call_x86_64(long number, long a, long b, long c, long d)
{
	long result = syscall(number, a, b, c, d);

	return result < 0 ? -errno : result;
}

static const struct architecture {
	const char *name;
	long (*call)(long number, long a, long b, long c, long d);
	long socket, socketpair, close, ioctl;
} architectures[] = {
	{ "x86-64", call_x86_64, 41, 53, 3, 16 },
	{ "i386", call_i386, 359, 360, 6, 54 },
};
static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET };

static void print(const struct architecture *on, const char *call, long argument, long result)
{
	printf("%s %s %ld %ld\n", on->name, call, argument, result < 0 ? -result : 0);
}

static void probe(const struct architecture *on, int *low)
{
	for (int family = 0; family <= 45; family++) {
		long single = -EINVAL, pair = -EINVAL;

		for (size_t i = 0; i < CALL_COUNT(types); i++) {
			long result = on->call(on->socket, family, types[i], 0, 0);

			if (result >= 0)
				on->call(on->close, result, 0, 0, 0);
			single = single >= 0 ? single : result;
			result = on->call(on->socketpair, family, types[i], 0, (long)low);
			if (result >= 0) {
				on->call(on->close, low[0], 0, 0, 0);
				on->call(on->close, low[1], 0, 0, 0);
			}
			pair = pair >= 0 ? pair : result;
		}
		print(on, "socket", family, single);
		print(on, "socketpair", family, pair);
	}
	/* Raw ones need a capability that nobody has: without the filter the answer is EPERM. */
	for (int protocol = 0; protocol <= 255; protocol++)
		print(on, "raw", protocol, on->call(on->socket, AF_INET, SOCK_RAW, protocol, 0));
	int terminal = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY);

	low[0] = 0;   /* N_TTY, the discipline it has already */
	print(on, "TIOCSETD", 0, terminal < 0 ? -errno : on->call(on->ioctl, terminal, TIOCSETD, (long)low, 0));
	print(on, "TIOCGETD", 0, terminal < 0 ? -errno : on->call(on->ioctl, terminal, TIOCGETD, (long)low, 0));
}

int main(void)
{
	int *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	if (low == MAP_FAILED)
		return 1;
	for (size_t i = 0; i < CALL_COUNT(architectures); i++)
		probe(&architectures[i], low);
	/* socketcall, whose arguments lie in memory: SOCKET and SOCKETPAIR. */
	low[0] = AF_UNIX, low[1] = SOCK_STREAM, low[2] = 0, low[3] = (int)(intptr_t)(low + 8);
	print(&architectures[1], "socketcall", 1, call_i386(102, 1, (long)low, 0, 0));
	print(&architectures[1], "socketcall", 8, call_i386(102, 8, (long)low, 0, 0));
	/* The kernel takes the low half of a protocol. */
	print(&architectures[0], "wide", 255, call_x86_64(41, AF_INET, SOCK_RAW, 255 | 1l << 32, 0));
	print(&architectures[0], "wide", 17, call_x86_64(41, AF_INET, SOCK_DGRAM, 17 | 1l << 32, 0));
	return 0;
}
