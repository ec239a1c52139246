/* lib/proc-stat.c: a process chooses its own name, and so part of the file. */
#include <stdlib.h>
#include <string.h>

#include "lib/proc-stat.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	char *text = malloc(size + 1);
	struct proc_stat stat;
	struct proc_status status;

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	/* The name is a part of the text, with its parentheses around it; nothing behind it is taken for one. */
	if (proc_stat_read(text, size, &stat) == 0 &&
	    (stat.name <= text || stat.name[-1] != '(' || stat.name[stat.name_size] != ')' || strchr(stat.name + stat.name_size + 1, ')') != NULL || stat.pid == 0))
		__builtin_trap();
	proc_status_read(text, &status);
	free(text);
	return 0;
}
