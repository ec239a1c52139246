/*
 * Tries to push input into a terminal of its own (TIOCSTI) and to use TIOCLINUX, plainly and with dirty high bits in
 * the request, which the kernel ignores and a careless filter does not. Prints `<name> ok` or `<name> <errno>`.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static void attempt(const char *name, int fd, unsigned long request)
{
	char character[2] = "x";
	if (syscall(SYS_ioctl, fd, request, character) == 0)
		printf("%s ok\n", name);
	else
		printf("%s %d\n", name, errno);
}

int main(void)
{
	setsid();
	int master = posix_openpt(O_RDWR | O_NOCTTY);
	if (master < 0 || grantpt(master) || unlockpt(master)) {
		perror("posix_openpt");
		return 1;
	}
	int terminal = open(ptsname(master), O_RDWR);
	if (terminal < 0 || (ioctl(terminal, TIOCSCTTY, 0) && errno != EPERM)) {
		perror("open the terminal");
		return 1;
	}
	attempt("TIOCSTI", terminal, 0x5412);
	attempt("TIOCSTI-dirty", terminal, 0xdead00005412UL);
	attempt("TIOCLINUX", terminal, 0x541c);
	attempt("TIOCLINUX-dirty", terminal, 0xdead0000541cUL);
	return 0;
}
