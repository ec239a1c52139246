#include "launcher/hello.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "lib/codec.h"
#include "lib/fault.h"
#include "lib/fd.h"
#include "launcher/description.h"
#include "launcher/devices.h"
#include "launcher/firewall.h"
#include "launcher/listening.h"
#include "launcher/lock.h"
#include "launcher/netlink.h"
#include "launcher/programs.h"
#include "launcher/steps.h"

enum { MAX_DEVICE_GROUPS = 4, RTNETLINK_CAPACITY = 65536 };

struct device_group {
	char *path;
	uint32_t version;
	uint32_t all;   /* 1: every device */
};

struct request {
	uint32_t version;
	char *depot, *monitor, *wshd, *files, *filter;
	char *locale_archive; /* NULL: none */
	struct device_group groups[MAX_DEVICE_GROUPS];
	size_t group_count;
	struct fault fault;
};

static void request_free(struct request *request)
{
	free(request->depot);
	free(request->monitor);
	free(request->wshd);
	free(request->files);
	free(request->filter);
	free(request->locale_archive);
	for (size_t i = 0; i < request->group_count; i++)
		free(request->groups[i].path);
}

static int read_path(const struct wire_attribute *attribute, char **ret_path, struct error *err)
{
	if (wire_string(attribute, PATH_MAX - 1, ret_path, err) < 0)
		return -1;
	return path_is_plain(*ret_path) ? 0 : error_set(err, EINVAL, "path is not plain: %.200s", *ret_path);
}

static int read_group(struct device_group *group, const struct wire_attribute *nested, struct error *err)
{
	struct wire_reader reader;
	struct wire_attribute attribute;
	int result;

	wire_reader_enter(&reader, nested);
	while ((result = wire_next(&reader, &attribute, err)) > 0) {
		if (attribute.tag == TAG_PATH && read_path(&attribute, &group->path, err) < 0)
			return -1;
		if (attribute.tag == TAG_VERSION && wire_u32(&attribute, &group->version, err) < 0)
			return -1;
		if (attribute.tag == TAG_ALL_DEVICES && wire_u32(&attribute, &group->all, err) < 0)
			return -1;
	}
	if (result < 0)
		return -1;
	if (group->path == NULL || (group->version != 1 && group->version != 2))
		return error_set(err, EINVAL, "device group without path or version");
	return 0;
}

static int read_attribute(struct request *request, const struct wire_attribute *attribute, struct error *err)
{
	switch (attribute->tag) {
	case TAG_VERSION:
		return wire_u32(attribute, &request->version, err);
	case TAG_DEPOT:
		return read_path(attribute, &request->depot, err);
	case TAG_MONITOR_PROGRAM:
		return read_path(attribute, &request->monitor, err);
	case TAG_WSHD_PROGRAM:
		return read_path(attribute, &request->wshd, err);
	case TAG_FILES_PROGRAM:
		return read_path(attribute, &request->files, err);
	case TAG_SECCOMP_PROGRAM:
		return read_path(attribute, &request->filter, err);
	case TAG_LOCALE_ARCHIVE:
		return read_path(attribute, &request->locale_archive, err);
	case TAG_DEVICE_CGROUP:
		if (request->group_count == MAX_DEVICE_GROUPS)
			return error_set(err, E2BIG, "more than %d device groups", MAX_DEVICE_GROUPS);
		return read_group(&request->groups[request->group_count++], attribute, err);
	case TAG_FAULT:
		return fault_read(&request->fault, attribute, err);
	default:
		return 0;
	}
}

static int read_request(struct request *request, const void *body, size_t size, struct error *err)
{
	struct wire_reader reader;
	struct wire_attribute attribute;
	int result;

	err->step = STEP_READ_HELLO;
	wire_reader_init(&reader, body, size);
	while ((result = wire_next(&reader, &attribute, err)) > 0)
		if (read_attribute(request, &attribute, err) < 0)
			return -1;
	if (result < 0)
		return -1;
	if (request->version != WIRE_VERSION)
		return error_set(err, EPROTO, "version %u, this is %u: wardend and launcher are of different builds", request->version, WIRE_VERSION);
	if (request->depot == NULL || request->monitor == NULL || request->wshd == NULL || request->files == NULL || request->filter == NULL)
		return error_set(err, EINVAL, "hello without depot, monitor, wshd, files or seccomp program");
	return 0;
}

/*
 * ext4 makes what lies in a directory in the directory's own block group, and without a journal it passes over the inodes that were freed in the
 * last minutes one by one (recently_deleted() in fs/ext4/ialloc.c). In a depot where containers come and go a new inode costs 10 to 100 times as
 * much after a few hundred of them. A "top directory" (chattr +T) has its subdirectories spread over all groups. Other file systems
 * neither know the flag nor need it, so failure is none.
 */
static void spread_containers(const char *depot, const char *name)
{
	char path[PATH_MAX];
	int flags;

	snprintf(path, sizeof(path), "%s/%s", depot, name);
	_cleanup_close_ int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (directory >= 0 && ioctl(directory, FS_IOC_GETFLAGS, &flags) == 0 && (flags & FS_TOPDIR_FL) == 0) {
		flags |= FS_TOPDIR_FL;
		ioctl(directory, FS_IOC_SETFLAGS, &flags);
	}
}

static int load_programs(struct host *host, const struct request *request, struct error *err)
{
	if (step_begin(STEP_LOAD_PROGRAMS, err) < 0)
		return -1;
	/* Held open from now on: a build that is installed later belongs to a launcher that is started later. */
	host->monitor = open(request->monitor, O_RDONLY | O_CLOEXEC);
	if (host->monitor < 0)
		return error_set(err, errno, "%s", request->monitor);
	if (faccessat(AT_FDCWD, request->monitor, X_OK, AT_EACCESS) < 0)
		return error_set(err, errno, "%s", request->monitor);
	host->wshd = program_load(request->wshd, "wshd", PROGRAM_MAX_SIZE, err);
	if (host->wshd < 0)
		return -1;
	host->files = program_load(request->files, "files", PROGRAM_MAX_SIZE, err);
	if (host->files < 0)
		return -1;
	host->filter = program_load_filter(request->filter, err);
	return host->filter < 0 ? -1 : 0;
}

static int allow_devices(const struct request *request, struct error *err)
{
	for (size_t i = 0; i < request->group_count; i++) {
		const struct device_group *group = &request->groups[i];

		if ((group->version == 1 ? devices_allow_v1(group->path, group->all, err) : devices_allow_v2(group->path, group->all, err)) < 0)
			return -1;
	}
	return 0;
}

static int prepare(struct host *host, const struct request *request, pid_t wardend, pid_t *ret_owner, struct error *err)
{
	host->lock = lock_take(request->depot, wardend, ret_owner, err);
	if (host->lock < 0)
		return -1;
	spread_containers(request->depot, "containers");
	spread_containers(request->depot, "spare");
	if (load_programs(host, request, err) < 0 || namespaces_prepare(&host->namespaces, request->depot, request->locale_archive, err) < 0 ||
	    allow_devices(request, err) < 0 || step_begin(STEP_OPEN_NETLINK, err) < 0)
		return -1;
	host->rtnetlink = netlink_open(NETLINK_ROUTE, RTNETLINK_CAPACITY, err);
	if (host->rtnetlink < 0)
		return -1;
	host->nfnetlink = firewall_open(err);
	if (host->nfnetlink < 0)
		return -1;
	host->sock_diag = listening_open(err);
	return host->sock_diag < 0 ? -1 : 0;
}

int hello(struct host *ret_host, const void *body, size_t size, pid_t wardend, pid_t *ret_owner, struct error *err)
{
	struct request request = { 0 };

	*ret_owner = 0;
	int result = read_request(&request, body, size, err);

#ifdef WARDEN_FAULTS
	fault_set(request.fault.step, (int)request.fault.number);
#endif
	if (result == 0)
		result = prepare(ret_host, &request, wardend, ret_owner, err);
#ifdef WARDEN_FAULTS
	fault_set("", 0);
#endif
	request_free(&request);
	return result;
}
