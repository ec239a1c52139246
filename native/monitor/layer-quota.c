#include "monitor/layer-quota.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "lib/fd.h"
#include "lib/quota.h"
#include "monitor/idmap.h"

/* People count their projects from 1: ours are in a range that they rarely come to, and it is looked whether one is taken. */
enum { PROJECT_RANGE = 0x40000000, PROJECT_ATTEMPTS = 64 };

static int take_limits_away(const struct quota_file_system *file_system, uint32_t kind, uint32_t id, const struct quota *quota, struct error *err)
{
	const struct quota_limits none = { .has_blocks = true, .has_inodes = true };

	if (quota->soft_blocks == 0 && quota->hard_blocks == 0 && quota->soft_inodes == 0 && quota->hard_inodes == 0)
		return 0;
	return quota_limit(file_system, kind, id, &none, err);
}

static int find_project(const struct quota_file_system *file_system, uint64_t inode, uint32_t *ret_project, struct error *err)
{
	struct quota quota;

	/* Inode numbers of a large XFS have more than 32 bits, and of what is cut off a project of somebody else may be left. */
	for (uint64_t i = 0; i < PROJECT_ATTEMPTS; i++) {
		uint32_t project = PROJECT_RANGE | (uint32_t)((inode ^ inode >> 30) + i) % PROJECT_RANGE;

		if (quota_read(file_system, QUOTA_PROJECT, project, &quota, err) < 0)
			return -1;
		if (quota.inodes == 0 && quota.space_in_bytes == 0) {
			*ret_project = project;
			return take_limits_away(file_system, QUOTA_PROJECT, project, &quota, err);
		}
	}
	return error_set(err, EDQUOT, "no project is free near inode %llu", (unsigned long long)inode);
}

static int give_project(const struct quota_file_system *file_system, const struct container_directories *directories, struct error *err)
{
	_cleanup_close_ int work = openat(directories_of_layers(directories), "work", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	struct stat status;
	uint32_t project = 0;

	if (work < 0 || fstat(directories->upper, &status) < 0)
		return error_set(err, errno, "work");
	if (find_project(file_system, status.st_ino, &project, err) < 0 || project_assign(directories->upper, project, err) < 0)
		return -1;
	return project_assign(work, project, err);
}

static int free_users(const struct quota_file_system *file_system, const struct description *description, struct error *err)
{
	for (size_t i = 0; i < description->user_count; i++) {
		struct quota quota;
		uint32_t uid;

		if (id_map_to_host(&description->map, description->users[i].uid, &uid, err) < 0)
			return -1;
		/* Limits of the host's root are nobody's to change. */
		if (uid != 0 && (quota_read(file_system, QUOTA_USER, uid, &quota, err) < 0 ||
				 take_limits_away(file_system, QUOTA_USER, uid, &quota, err) < 0))
			return -1;
	}
	return 0;
}

int layer_quota_prepare(const struct container_directories *directories, const struct description *description, struct error *err)
{
	struct quota_file_system file_system;

	if (description->quota_kind == 0)
		return 0;
	if (quota_open(directories->upper, &file_system, err) < 0)
		return -1;
	return description->quota_kind == QUOTA_PROJECT ? give_project(&file_system, directories, err) : free_users(&file_system, description, err);
}
