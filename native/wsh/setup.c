#include "wsh/setup.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "lib/codec.h"
#include "lib/deadline.h"
#include "lib/fault.h"
#include "lib/fd.h"
#include "lib/short-slice.h"
#include "lib/steps.h"
#include "lib/stream.h"
#include "wsh/core-limit.h"
#include "wsh/job-identity.h"
#include "wsh/set-id-filter.h"

enum { CONFIGURE_TIMEOUT_MS = 30000, CONFIGURE_MAX = 4096 };

/*
 * What wshd keeps for itself: to signal, to give jobs their identity and the ownership of their pipes, and SYS_PTRACE, which no job has.
 * The kernel lets nobody trace a process, or take its descriptors, who lacks one of its capabilities (__ptrace_may_access,
 * cap_ptrace_access_check): that is what protects wshd from root of the container.
 */
static const uint64_t own_capabilities = 1ull << CAP_KILL | 1ull << CAP_SETUID | 1ull << CAP_SETGID | 1ull << CAP_SETPCAP |
					 1ull << CAP_CHOWN | 1ull << CAP_SYS_PTRACE;

static int read_configuration(const void *body, size_t size, struct wshd *wshd, struct error *err)
{
	struct wire_reader reader;
	struct wire_attribute attribute;
	int more;

	wire_reader_init(&reader, body, size);
	while ((more = wire_next(&reader, &attribute, err)) > 0) {
		if (attribute.tag == TAG_PRIVILEGED_CAPABILITIES) {
			if (wire_u64(&attribute, &wshd->privileged_capabilities, err) < 0)
				return -1;
		} else if (attribute.tag == TAG_NESTED) {
			if (wire_u32(&attribute, &wshd->nested, err) < 0)
				return -1;
		} else if (attribute.tag == TAG_PLAIN) {
			if (wire_u32(&attribute, &wshd->plain, err) < 0)
				return -1;
		} else if (attribute.tag == TAG_REFUSE_SET_ID && wire_u32(&attribute, &wshd->refuse_set_id, err) < 0) {
			return -1;
		}
#ifdef WARDEN_FAULTS
		else if (attribute.tag == TAG_FAULT) {
			struct wire_reader fault;
			struct wire_attribute part;
			char step[64] = "";
			uint32_t number = 0;

			wire_reader_enter(&fault, &attribute);
			while (wire_next(&fault, &part, err) > 0) {
				if (part.tag == TAG_STEP && wire_string_into(&part, step, sizeof(step), err) < 0)
					return -1;
				if (part.tag == TAG_ERRNO && wire_u32(&part, &number, err) < 0)
					return -1;
			}
			fault_set(step, (int)number);
		}
#endif
	}
	return more;
}

static int receive_configuration(struct wshd *wshd, struct error *err)
{
	uint8_t packet[CONFIGURE_MAX];
	size_t size = 0, fd_count = 0;
	int fds[1];

	if (fd_wait(WSHD_CHANNEL, POLLIN, deadline_in_ms(CONFIGURE_TIMEOUT_MS), err) < 0)
		return -1;
	if (packet_receive(WSHD_CHANNEL, packet, sizeof(packet), &size, fds, 0, &fd_count, err) < 0)
		return -1;
	if (size < 4 || wire_load_u16(packet) != WIRE_CONFIGURE)
		return error_set(err, EBADMSG, "the first packet is not CONFIGURE");
	return read_configuration(packet + 4, size - 4, wshd, err);
}

static int load_filter(struct wshd *wshd, struct error *err)
{
	struct sock_filter instructions[BPF_MAXINSNS];
	struct stat status;

	if (fstat(WSHD_FILTER, &status) < 0)
		return error_set(err, errno, "the filter's descriptor");
	if (status.st_size <= 0 || (size_t)status.st_size > sizeof(instructions) || status.st_size % sizeof(instructions[0]) != 0)
		return error_set(err, EINVAL, "filter of %lld bytes", (long long)status.st_size);
	if (pread(WSHD_FILTER, instructions, (size_t)status.st_size, 0) != (ssize_t)status.st_size)
		return error_set(err, EIO, "reading the filter");

	struct sock_fprog program = {
		.len = (unsigned short)((size_t)status.st_size / sizeof(instructions[0])),
		.filter = instructions,
	};
	if (core_limit_make_key(instructions, program.len, wshd, err) < 0)
		return -1;
	/* First: the other one allows no more. */
	if (wshd->refuse_set_id && set_id_filter_load(wshd->core_key, err) < 0)
		return -1;
	/* Without no_new_privs, so that setuid programs work for privileged jobs: allowed with CAP_SYS_ADMIN in our user namespace. */
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		return error_set(err, errno, "%u instructions", program.len);
	close_fd(WSHD_FILTER);
	return 0;
}

/*
 * A saved group that differs from the real one: to change another's resource limits the caller's own group has to be equal to all three of
 * the target's (check_prlimit_permission), which no process of the container can bring about.
 */
static int separate_groups(struct error *err)
{
	for (int group = 65535; group > 0; group--)
		if (syscall(SYS_setresgid, 0, 0, group) == 0)
			return 0;
	return error_set(err, errno, "a group besides 0");
}

/* Whoever is left without a parent becomes our child, as it would be PID 1's. That is what a container has: no wshd of one can be brought to leave out the rest. */
static int setup_plain(struct error *err)
{
	if (getpid() == 1)
		return error_set(err, EPERM, "plain processes below PID 1");
	if (prctl(PR_SET_NAME, "wshd") < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return error_set(err, errno, "prctl");
	core_limit_begin();
	close_fd(WSHD_FILTER);
	return 0;
}

int setup_run(struct wshd *wshd, struct error *err)
{
	if (step_begin(STEP_START_WSHD, err) < 0 || receive_configuration(wshd, err) < 0)
		return -1;
	if (step_begin(STEP_START_WSHD, err) < 0)
		return -1;
	if (wshd->plain)
		return setup_plain(err);
	if (prctl(PR_SET_NAME, "wshd") < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
		return error_set(err, errno, "prctl");
	/* Keys that jobs add must not land in a keyring of the host. The filter forbids the call later on. Absent in some kernels. */
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS)
		return error_set(err, errno, "join a session keyring");

	if (separate_groups(err) < 0)
		return -1;
	core_limit_begin();
	short_slice_take();

	/* Loading the filter still needs CAP_SYS_ADMIN; dropping capabilities needs no call that the filter forbids. */
	if (step_begin(STEP_LOAD_FILTER, err) < 0 || (!wshd->nested && load_filter(wshd, err) < 0))
		return -1;
	if (step_begin(STEP_START_WSHD, err) < 0)
		return -1;
	if (wshd->nested) {
		close_fd(WSHD_FILTER);
		return identity_limit_to_own(&wshd->privileged_capabilities, err);
	}
	return identity_keep_capabilities(wshd->privileged_capabilities | own_capabilities, err);
}
