#include "wsh/job-identity.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/capability.h"

/* What may still be in wshd's bounding set. Each drop makes a new set of credentials, so those long gone are not dropped again for every job. */
static uint64_t bounding = UINT64_MAX;

static int set_capabilities(uint64_t capabilities, struct error *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3, .pid = 0 };
	struct __user_cap_data_struct data[2];

	for (int half = 0; half < 2; half++) {
		data[half].permitted = data[half].effective = (uint32_t)(capabilities >> (32 * half));
		data[half].inheritable = 0;
	}
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return error_set(err, errno, "clear ambient capabilities");
	if (syscall(SYS_capset, &header, data) < 0)
		return error_set(err, errno, "capset");
	return 0;
}

int identity_keep_capabilities(uint64_t capabilities, struct error *err)
{
	if (capability_drop_bounding(bounding & ~capabilities, err) < 0)
		return -1;
	bounding &= capabilities;
	return set_capabilities(capabilities, err);
}

int identity_limit_to_own(uint64_t *capabilities, struct error *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3, .pid = 0 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data) < 0)
		return error_set(err, errno, "capget");
	*capabilities &= (uint64_t)data[1].permitted << 32 | data[0].permitted;
	return 0;
}

int identity_assume(uint32_t uid, uint32_t gid, bool privileged, const struct wshd *wshd, struct error *err)
{
	uint64_t capabilities = wshd->privileged_capabilities;

	if (wshd->plain)
		return 0;
	/* Needs SETPCAP, so before the user changes. */
	if (!wshd->nested && capability_drop_bounding(bounding & ~(privileged ? capabilities : 0), err) < 0)
		return -1;
	/* The C library would tell its threads, of which there are none, through memory that we share with wshd. */
	if (syscall(SYS_setgroups, 0, NULL) < 0)
		return error_set(err, errno, "setgroups");
	if (syscall(SYS_setresgid, gid, gid, gid) < 0)
		return error_set(err, errno, "setresgid %u", gid);
	if (syscall(SYS_setresuid, uid, uid, uid) < 0)
		return error_set(err, errno, "setresuid %u", uid);
	if (set_capabilities(privileged && uid == 0 ? capabilities : 0, err) < 0)
		return -1;
	if (!privileged && !wshd->nested && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_set(err, errno, "no_new_privs");
	return 0;
}
