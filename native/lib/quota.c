#include "lib/quota.h"

#include <errno.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>

#include "lib/quota-formats.h"
#include "lib/syscalls.h"

static int kernel_kind(uint32_t kind)
{
	return kind == QUOTA_PROJECT ? PRJQUOTA : USRQUOTA;
}

static const char *kind_name(uint32_t kind)
{
	return kind == QUOTA_PROJECT ? "project" : "user";
}

/* Says what a person can do about it; `number` is what quotactl(2) gave. */
static int explain(const struct quota_file_system *file_system, uint32_t kind, int number, struct error *err)
{
	const char *options = file_system->xfs ? kind == QUOTA_PROJECT ? "pquota" : "uquota" : kind == QUOTA_PROJECT ? "prjquota" : "usrquota";

	switch (number) {
	case ENOSYS:
	case EOPNOTSUPP:
	case ENOTTY:
		return error_set(err, ENOSYS, "%s quotas: this kernel, or this kind of file system, has none", kind_name(kind));
	case ESRCH:
	case EINVAL:
		return error_set(err, ESRCH, "%s quotas are not switched on: the file system has to be made for them, and mounted with %s", kind_name(kind), options);
	case EPERM:
		return error_set(err, EPERM, "%s quotas: CAP_SYS_ADMIN is needed", kind_name(kind));
	default:
		return error_set(err, number, "%s quotas", kind_name(kind));
	}
}

static int call(const struct quota_file_system *file_system, int command, uint32_t kind, uint32_t id, void *argument)
{
	return (int)syscall(SYS_quotactl_fd, file_system->directory, QCMD((unsigned int)command, kernel_kind(kind)), id, argument);
}

int quota_open(int directory, struct quota_file_system *ret_file_system, struct error *err)
{
	struct statfs status;

	if (fstatfs(directory, &status) < 0)
		return error_set(err, errno, "statfs");
	*ret_file_system = (struct quota_file_system){ .directory = directory, .xfs = status.f_type == XFS_SUPER_MAGIC };
	return 0;
}

/* The question is XFS's, and answered for every file system since Linux 4.1. */
int quota_is_enforced(const struct quota_file_system *file_system, uint32_t kind, bool *ret_enforced, struct error *err)
{
	struct fs_quota_statv state = { .qs_version = FS_QSTATV_VERSION1 };
	unsigned int counts = kind == QUOTA_PROJECT ? FS_QUOTA_PDQ_ACCT : FS_QUOTA_UDQ_ACCT;

	if (call(file_system, Q_XGETQSTATV, kind, 0, &state) < 0) {
		int number = errno, format;

		/* No kind is switched on, or there is none at all: the kernel tells these apart only for the generic question. */
		if (number == ENOSYS && call(file_system, Q_GETFMT, kind, 0, &format) < 0 && errno == ESRCH)
			number = ESRCH;
		return explain(file_system, kind, number, err);
	}
	if ((state.qs_flags & counts) == 0)
		return explain(file_system, kind, ESRCH, err);
	*ret_enforced = (state.qs_flags & (kind == QUOTA_PROJECT ? FS_QUOTA_PDQ_ENFD : FS_QUOTA_UDQ_ENFD)) != 0;
	return 0;
}

static int read_generic(const struct quota_file_system *file_system, uint32_t kind, uint32_t id, struct quota *ret_quota, struct error *err)
{
	struct if_dqblk block = { 0 };

	if (call(file_system, Q_GETQUOTA, kind, id, &block) < 0)
		return explain(file_system, kind, errno, err);
	quota_from_generic(&block, ret_quota);
	return 0;
}

static int read_xfs(const struct quota_file_system *file_system, uint32_t kind, uint32_t id, struct quota *ret_quota, struct error *err)
{
	struct fs_disk_quota quota = { .d_version = FS_DQUOT_VERSION };
	bool enforced;

	if (call(file_system, Q_XGETQUOTA, kind, id, &quota) < 0) {
		int number = errno;

		if (number != ENOENT)
			return explain(file_system, kind, number, err);
		/* Also the answer for every id when this kind is not switched on. */
		if (quota_is_enforced(file_system, kind, &enforced, err) < 0)
			return -1;
		memset(&quota, 0, sizeof(quota));
	}
	quota_from_xfs(&quota, ret_quota);
	return 0;
}

int quota_read(const struct quota_file_system *file_system, uint32_t kind, uint32_t id, struct quota *ret_quota, struct error *err)
{
	return (file_system->xfs ? read_xfs : read_generic)(file_system, kind, id, ret_quota, err);
}

int quota_limit(const struct quota_file_system *file_system, uint32_t kind, uint32_t id, const struct quota_limits *limits, struct error *err)
{
	struct if_dqblk block;
	struct fs_disk_quota quota;

	if (quota_limits_check(limits, err) < 0)
		return -1;
	quota_limits_to_generic(limits, &block);
	quota_limits_to_xfs(limits, kind, id, &quota);
	if ((file_system->xfs ? call(file_system, Q_XSETQLIM, kind, id, &quota) : call(file_system, Q_SETQUOTA, kind, id, &block)) == 0)
		return 0;
	return errno == ERANGE ? error_set(err, ERANGE, "%s quota of %u: more than this file system's format can hold", kind_name(kind), id) : explain(file_system, kind, errno, err);
}

static int attributes_read(int directory, struct fsxattr *ret_attributes, struct error *err)
{
	return ioctl(directory, FS_IOC_FSGETXATTR, ret_attributes) < 0 ? error_set(err, errno == ENOTTY ? EOPNOTSUPP : errno, "read project") : 0;
}

int project_assign(int directory, uint32_t project, struct error *err)
{
	struct fsxattr attributes;

	if (attributes_read(directory, &attributes, err) < 0)
		return -1;
	attributes.fsx_projid = project;
	attributes.fsx_xflags |= FS_XFLAG_PROJINHERIT;
	if (ioctl(directory, FS_IOC_FSSETXATTR, &attributes) < 0)
		return error_set(err, errno == ENOTTY ? EOPNOTSUPP : errno, "set project %u", project);
	return 0;
}

int project_read(int directory, uint32_t *ret_project, struct error *err)
{
	struct fsxattr attributes;

	if (attributes_read(directory, &attributes, err) < 0)
		return -1;
	if (attributes.fsx_projid == 0 || (attributes.fsx_xflags & FS_XFLAG_PROJINHERIT) == 0)
		return error_set(err, ENODATA, "the directory has no project of its own");
	*ret_project = attributes.fsx_projid;
	return 0;
}
