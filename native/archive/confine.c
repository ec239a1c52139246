#include "archive/confine.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/call-filter.h"
#include "lib/fd.h"
#include "lib/syscalls.h"

enum { CAPABILITY_LAST = 63, MEMORY_LIMIT = 64 << 20 };

/* SYS_ADMIN is what the kernel asks for attributes named "trusted."; the filter has no other use of it. */
static const int kept_capabilities[] = { CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID, CAP_SETFCAP, CAP_SYS_ADMIN };

static int keep_capabilities(struct error *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2] = { 0 }, held[2];

	if (syscall(SYS_capget, &header, held) < 0)
		return error_set(err, errno, "capabilities");
	for (size_t i = 0; i < sizeof(kept_capabilities) / sizeof(*kept_capabilities); i++)
		sets[CAP_TO_INDEX(kept_capabilities[i])].permitted |= CAP_TO_MASK(kept_capabilities[i]);
	for (int i = 0; i < 2; i++)
		sets[i].effective = sets[i].permitted &= held[i].permitted;
	/* EINVAL: the kernel knows no such capability. Nothing is executed any more, but what cannot be had cannot be lost. */
	for (int i = 0; i <= CAPABILITY_LAST; i++)
		if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0 && errno != EINVAL)
			return error_set(err, errno, "bounding set");
	return syscall(SYS_capset, &header, sets) < 0 ? error_set(err, errno, "capabilities") : 0;
}

static int close_others(const int *kept, size_t count, struct error *err)
{
	int next = 0;

	/* In ascending order. */
	for (size_t i = 0; i < count; i++) {
		if (kept[i] > next && close_fds((unsigned int)next, (unsigned int)kept[i] - 1) < 0)
			return error_set(err, errno, "close");
		next = kept[i] + 1;
	}
	return close_fds((unsigned int)next, ~0u) < 0 ? error_set(err, errno, "close") : 0;
}

int confine(int root, const int *kept, size_t kept_count, struct error *err)
{
	const struct rlimit none = { 0, 0 }, few = { 64, 64 }, memory = { MEMORY_LIMIT, MEMORY_LIMIT };

	if (close_others(kept, kept_count, err) < 0)
		return -1;
	if (fchdir(root) < 0 || chroot(".") < 0)
		return error_set(err, errno, "root directory");
	umask(0);
	if (setrlimit(RLIMIT_CORE, &none) < 0 || setrlimit(RLIMIT_NOFILE, &few) < 0 || setrlimit(RLIMIT_NPROC, &none) < 0 || setrlimit(RLIMIT_AS, &memory) < 0)
		return error_set(err, errno, "limits");
	if (keep_capabilities(err) < 0)
		return -1;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_set(err, errno, "prctl");
	return call_filter_install(err);
}
