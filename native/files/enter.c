#include "files/enter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/capability.h"
#include "lib/syscalls.h"
#include "wsh/passwd-file.h"

/* What root of the container may do to files, and nothing else of what it may do. */
#define FILE_CAPABILITIES (CAPABILITY(CAP_CHOWN) | CAPABILITY(CAP_DAC_OVERRIDE) | CAPABILITY(CAP_FOWNER) | CAPABILITY(CAP_FSETID))

/*
 * All but the PID namespace, which only children would be in: nobody in the container can see or signal this process.
 * The others go along so that nothing of the host's is within reach.
 */
#define NAMESPACES (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)

int enter_container(int init, struct transfer *transfer, struct error *err)
{
	err->step = "enter container";
	/* Nobody may join the user namespace that he is in. */
	if (setns(init, transfer->nested ? NAMESPACES & ~CLONE_NEWUSER : NAMESPACES) < 0)
		return error_set(err, errno, "setns");
	/* The root of a mount namespace that one joins is the one that its first process has pivoted to. */
	transfer->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return transfer->root < 0 || sys_mount_id(transfer->root, &transfer->root_mount) < 0 ? error_set(err, errno, "the root") : 0;
}

int enter_directory(int directory, struct transfer *transfer, struct error *err)
{
	err->step = "enter directory";
	transfer->root = fcntl(directory, F_DUPFD_CLOEXEC, 16);
	if (transfer->root < 0)
		return error_set(err, errno, "the root");
	/* Else the host would honour them. */
	transfer->root_mount = 0;
	if (transfer->user_name != NULL)
		return error_set(err, EPERM, "%.200s: plain processes have one user", transfer->user_name);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_set(err, errno, "no_new_privs");
	umask(0);
	return 0;
}

static int find_user(struct transfer *transfer, struct error *err)
{
	struct passwd_search search = { 0 };
	uint32_t gid;

	if (passwd_file_find(&search, transfer->user_name, &gid, NULL, err) < 0)
		return -1;
	if (search.uid == 0 && !transfer->privileged)
		return error_set(err, EPERM, "%s is root of the container, and the transfer is not privileged", transfer->user_name);
	transfer->uid = search.uid;
	transfer->gid = gid;
	transfer->privileged = search.uid == 0;
	free(transfer->home);
	transfer->home = strdup(search.found && search.home[0] == '/' ? search.home : "/");
	return transfer->home == NULL ? error_set(err, ENOMEM, "home directory") : 0;
}

static int keep_capabilities(uint64_t capabilities, struct error *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3, .pid = 0 };
	struct __user_cap_data_struct data[2] = { { 0 }, { 0 } };

	for (int half = 0; half < 2; half++)
		data[half].permitted = data[half].effective = (uint32_t)(capabilities >> (32 * half));
	return syscall(SYS_capset, &header, data) < 0 ? error_set(err, errno, "capset") : 0;
}

int enter_become_user(struct transfer *transfer, struct error *err)
{
	if (transfer->user_name != NULL && find_user(transfer, err) < 0)
		return -1;
	err->step = "become user";
	if (syscall(SYS_setgroups, 0, NULL) < 0)
		return error_set(err, errno, "setgroups");
	if (syscall(SYS_setresgid, transfer->gid, transfer->gid, transfer->gid) < 0)
		return error_set(err, errno, "setresgid %u", transfer->gid);
	if (syscall(SYS_setresuid, transfer->uid, transfer->uid, transfer->uid) < 0)
		return error_set(err, errno, "setresuid %u", transfer->uid);
	if (keep_capabilities(transfer->privileged ? FILE_CAPABILITIES : 0, err) < 0)
		return -1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_set(err, errno, "no_new_privs");
	/* The change of ids has cleared it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return error_set(err, errno, "PR_SET_PDEATHSIG");
	umask(0);
	return 0;
}
