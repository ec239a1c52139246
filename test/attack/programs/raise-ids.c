/* A program to be made setuid, or given file capabilities: prints its effective uid and its effective capability set. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
	char line[256];
	FILE *status = fopen("/proc/self/status", "r");
	printf("euid %d\n", (int) geteuid());
	while (status && fgets(line, sizeof line, status))
		if (strncmp(line, "CapEff", 6) == 0)
			fputs(line, stdout);
	return 0;
}
