/* monitor/accounts.c: an image's /etc/passwd. */
#include <stdlib.h>
#include <string.h>

#include "monitor/accounts.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static const char line[] = "vcap:x:1:1::/:/bin/sh\n";
	struct error err;
	char *text;
	size_t length;

	if (accounts_replace((const char *)data, size, "vcap", "vcap:x:1:1::/:/bin/sh", &text, &length, &err) < 0)
		return 0;
	/* Our line is the last, and the only one of that name. */
	if (length < sizeof(line) - 1 || memcmp(text + length - (sizeof(line) - 1), line, sizeof(line) - 1) != 0)
		__builtin_trap();
	length -= sizeof(line) - 1;
	for (size_t i = 0; i + 5 <= length; i++)
		if ((i == 0 || text[i - 1] == '\n') && memcmp(text + i, "vcap:", 5) == 0)
			__builtin_trap();
	free(text);
	return 0;
}
