/* Prints `family type` for every kind of socket that can be made, for families 0 to 45 and types 1 to 10. */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void)
{
	for (int family = 0; family <= 45; family++) {
		for (int type = 1; type <= 10; type++) {
			for (int protocol = 0; protocol <= 15; protocol++) {
				int fd = socket(family, type, protocol);
				if (fd >= 0) {
					printf("%d %d %d\n", family, type, protocol);
					close(fd);
				}
			}
		}
		int pair[2];
		if (socketpair(family, SOCK_STREAM, 0, pair) == 0) {
			printf("%d pair 0\n", family);
			close(pair[0]);
			close(pair[1]);
		}
	}
	return 0;
}
