/* wsh/passwd.c: a container's /etc/passwd. */
#include <stdio.h>
#include <string.h>

#include "wsh/passwd.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void search_all(struct passwd_search *search, const char *data, size_t size, size_t piece)
{
	for (size_t at = 0; at < size; at += piece)
		if (passwd_feed(search, data + at, size - at < piece ? size - at : piece))
			return;
	passwd_end(search);
}

/* NAME:…:UID:GID: stands in the text as it is: no number becomes another one by being read. */
static void check(const struct passwd_search *found, const char *data, size_t size)
{
	char ids[32];
	int length = snprintf(ids, sizeof(ids), ":%u:%u:", found->uid, found->gid);

	if (memmem(data, size, ids, (size_t)length) == NULL || memmem(data, size, found->user, strlen(found->user)) == NULL)
		__builtin_trap();
	if (found->home[0] != '\0' && memmem(data, size, found->home, strlen(found->home)) == NULL)
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct passwd_search whole = { .name = "vcap" }, pieces = { .name = "vcap" }, numbered = { .wanted_uid = 0 };

	search_all(&whole, (const char *)data, size, size);
	search_all(&pieces, (const char *)data, size, 3);
	search_all(&numbered, (const char *)data, size, 4096);
	if (whole.found != pieces.found || (whole.found && (whole.uid != pieces.uid || whole.gid != pieces.gid || strcmp(whole.home, pieces.home) != 0)))
		__builtin_trap();
	if (whole.found)
		check(&whole, (const char *)data, size);
	if (numbered.found) {
		if (numbered.uid != 0)
			__builtin_trap();
		check(&numbered, (const char *)data, size);
	}
	return 0;
}
