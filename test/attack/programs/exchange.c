/*
 * Exchanges two names as fast as it can (renameat2, RENAME_EXCHANGE): whoever checks one of them and then uses it finds another thing. Prints
 * `up` when it begins; ends when the file given last is there, and says how often it did it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	unsigned long times = 0;
	if (argc != 4)
		return 2;
	puts("up");
	fflush(stdout);
	while (access(argv[3], F_OK) < 0)
		for (int i = 0; i < 1000; i++)
			times += syscall(SYS_renameat2, AT_FDCWD, argv[1], AT_FDCWD, argv[2], 2) == 0;
	printf("exchanged %lu times\n", times);
	return 0;
}
