#include "wsh/core-limit.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "seccomp/core-key.h"

void core_limit_begin(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_CORE, &limit) < 0)
		return;
	limit.rlim_cur = CORE_LIMIT_OFF;
	if (limit.rlim_max >= CORE_LIMIT_OFF)
		setrlimit(RLIMIT_CORE, &limit);
}

static struct sock_filter *find_comparison(struct sock_filter *filter, size_t count, uint32_t number)
{
	for (size_t i = 0; i < count; i++)
		if (filter[i].code == (BPF_JMP | BPF_JEQ | BPF_K) && filter[i].k == number)
			return &filter[i];
	return NULL;
}

int core_limit_make_key(struct sock_filter *filter, size_t count, struct wshd *wshd, struct error *err)
{
	struct sock_filter *first = find_comparison(filter, count, CORE_KEY_FIRST), *second = find_comparison(filter, count, CORE_KEY_SECOND);

	if (first == NULL || second == NULL)
		return error_set(err, EINVAL, "the filter has no place for a key: it is of another build");
	if (getrandom(wshd->core_key, sizeof(wshd->core_key), 0) != sizeof(wshd->core_key))
		return error_set(err, errno, "random numbers");
	/* An i386 program's arguments have no upper halves: it must not be able to say the key. */
	wshd->core_key[0] |= 1;
	first->k = wshd->core_key[0];
	second->k = wshd->core_key[1];
	return 0;
}

int core_limit_set(const struct wshd *wshd, const struct rlimit *limit)
{
	unsigned long process = (unsigned long)wshd->core_key[0] << 32, resource = (unsigned long)wshd->core_key[1] << 32 | RLIMIT_CORE;

	/* rlimit is rlimit64 on 64-bit machines, the only ones that the filter is for. */
	return (int)syscall(SYS_prlimit64, process, resource, limit, NULL);
}
