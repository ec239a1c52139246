#include "monitor/description.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fd.h"
#include "lib/quota.h"

#define MAX_TEXT 4096u
#define DEFAULT_DEADLINE_MS 30000u
#define MAX_DEADLINE_MS 600000u
#define DEFAULT_SHM_SIZE (64ull << 20)

/* One more, zeroed element at the end of an array; NULL with err set when there are too many. */
static void *append(void *array_pointer, size_t *count, size_t max, size_t item_size, const char *what, struct error *err)
{
	void **array = array_pointer;

	if (*count >= max) {
		error_set(err, E2BIG, "more than %zu %s", max, what);
		return NULL;
	}
	char *grown = realloc(*array, (*count + 1) * item_size);

	if (grown == NULL) {
		error_set(err, ENOMEM, "%s", what);
		return NULL;
	}
	*array = grown;
	memset(grown + *count * item_size, 0, item_size);
	return grown + (*count)++ * item_size;
}

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static int read_volume(const struct wire_attribute *attribute, struct description *description, struct error *err)
{
	struct volume *volume = append(&description->volumes, &description->volume_count, DESCRIPTION_MAX_MOUNTS, sizeof(*volume), "mounts", err);
	struct wire_reader reader;
	struct wire_attribute part;
	int result = -1;

	if (volume == NULL)
		return -1;
	wire_reader_enter(&reader, attribute);
	while ((result = wire_next(&reader, &part, err)) > 0) {
		if (part.tag == TAG_DESTINATION && wire_string(&part, MAX_TEXT, &volume->destination, err) < 0)
			return -1;
		if (part.tag == TAG_SOURCE && wire_string(&part, MAX_TEXT, &volume->source, err) < 0)
			return -1;
		if (part.tag == TAG_FLAGS && wire_u32(&part, &volume->flags, err) < 0)
			return -1;
	}
	if (result == 0 && (volume->destination == NULL || volume->destination[strspn(volume->destination, "/.")] == '\0'))
		return error_set(err, EINVAL, "mount destination '%s'", volume->destination != NULL ? volume->destination : "");
	if (result == 0 && volume->flags & MOUNT_FLAG_FILE && (volume->source == NULL || name_of(volume->source)[0] == '\0'))
		return error_set(err, EINVAL, "mount of a file without a name at '%s'", volume->destination);
	return result;
}

/* Paths of the upper layer are ours to write: no "..", no empty path; leading slashes go. */
static int check_upper_path(char *path, struct error *err)
{
	if (path == NULL)
		return error_set(err, EINVAL, "entry of the upper layer without a path");
	size_t slashes = strspn(path, "/");

	memmove(path, path + slashes, strlen(path) - slashes + 1);
	if (path[0] == '\0')
		return error_set(err, EINVAL, "entry of the upper layer without a path");
	for (const char *part = path; part != NULL; part = strchr(part, '/')) {
		part += *part == '/';
		size_t length = strcspn(part, "/");

		if (length == 0 || (length == 1 && part[0] == '.') || (length == 2 && part[0] == '.' && part[1] == '.'))
			return error_set(err, EINVAL, "upper layer path '%s'", path);
	}
	return 0;
}

static int read_upper(const struct wire_attribute *attribute, struct description *description, struct error *err)
{
	struct upper_entry *entry = append(&description->upper, &description->upper_count, DESCRIPTION_MAX_UPPER, sizeof(*entry), "upper entries", err);
	struct wire_reader reader;
	struct wire_attribute part;
	int result;

	if (entry == NULL)
		return -1;
	entry->directory = attribute->tag == TAG_UPPER_DIRECTORY;
	entry->mode = entry->directory ? 0755 : 0644;
	wire_reader_enter(&reader, attribute);
	while ((result = wire_next(&reader, &part, err)) > 0) {
		if (part.tag == TAG_PATH)
			result = wire_string(&part, MAX_TEXT, &entry->path, err);
		else if (part.tag == TAG_MODE)
			result = wire_u32(&part, &entry->mode, err);
		else if (part.tag == TAG_UID)
			result = wire_u32(&part, &entry->uid, err);
		else if (part.tag == TAG_GID)
			result = wire_u32(&part, &entry->gid, err);
		else if (part.tag == TAG_CONTENT) {
			entry->content = part.data;
			entry->size = part.size;
		}
		if (result < 0)
			return -1;
	}
	if (result == 0 && entry->mode & ~07777u)
		return error_set(err, EINVAL, "mode %o", entry->mode);
	return result < 0 ? -1 : check_upper_path(entry->path, err);
}

static int read_account(const struct wire_attribute *attribute, struct description *description, struct error *err)
{
	struct account_file *file = append(&description->accounts, &description->account_count, DESCRIPTION_MAX_ACCOUNTS, sizeof(*file), "account files", err);
	struct wire_reader reader;
	struct wire_attribute part;
	int result;

	if (file == NULL)
		return -1;
	wire_reader_enter(&reader, attribute);
	while ((result = wire_next(&reader, &part, err)) > 0) {
		char **field = part.tag == TAG_PATH ? &file->path : part.tag == TAG_NAME ? &file->name : part.tag == TAG_LINE ? &file->line : NULL;

		if (field != NULL && wire_string(&part, MAX_TEXT, field, err) < 0)
			return -1;
	}
	if (result < 0)
		return -1;
	if (file->name == NULL || file->line == NULL || strchr(file->line, '\n') != NULL || strpbrk(file->name, ":\n") != NULL)
		return error_set(err, EINVAL, "account file '%s'", file->path != NULL ? file->path : "");
	return check_upper_path(file->path, err);
}

static int read_setting(const struct wire_attribute *attribute, struct cgroup_description *cgroup, struct error *err)
{
	struct cgroup_setting *setting = append(&cgroup->settings, &cgroup->setting_count, DESCRIPTION_MAX_SETTINGS, sizeof(*setting), "cgroup settings", err);
	struct wire_reader reader;
	struct wire_attribute part;
	int result;

	if (setting == NULL)
		return -1;
	wire_reader_enter(&reader, attribute);
	while ((result = wire_next(&reader, &part, err)) > 0) {
		if (part.tag == TAG_NAME && wire_string(&part, NAME_MAX, &setting->name, err) < 0)
			return -1;
		if (part.tag == TAG_CONTENT) {
			setting->content = part.data;
			setting->size = part.size;
		}
	}
	if (result == 0 && (setting->name == NULL || setting->name[0] == '\0' || strchr(setting->name, '/') != NULL || setting->size == 0))
		return error_set(err, EINVAL, "setting '%s' of %s", setting->name != NULL ? setting->name : "", cgroup->path != NULL ? cgroup->path : "a cgroup");
	return result;
}

static int read_usage_file(const struct wire_attribute *attribute, struct cgroup_description *cgroup, struct error *err)
{
	if (wire_strings_add(&cgroup->usage_files, attribute, NAME_MAX, DESCRIPTION_MAX_USAGE_FILES, err) < 0)
		return -1;
	const char *name = cgroup->usage_files.items[cgroup->usage_files.count - 1];

	return name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL ? error_set(err, EINVAL, "file '%s' of a cgroup", name) : 0;
}

static int read_cgroup(const struct wire_attribute *attribute, struct description *description, struct error *err)
{
	struct cgroup_description *cgroup = append(&description->cgroups, &description->cgroup_count, DESCRIPTION_MAX_CGROUPS, sizeof(*cgroup), "cgroups", err);
	struct wire_reader reader;
	struct wire_attribute part;
	int result;

	if (cgroup == NULL)
		return -1;
	wire_reader_enter(&reader, attribute);
	while ((result = wire_next(&reader, &part, err)) > 0) {
		if (part.tag == TAG_PATH)
			result = wire_string(&part, MAX_TEXT, &cgroup->path, err);
		else if (part.tag == TAG_VERSION)
			result = wire_u32(&part, &cgroup->version, err);
		else if (part.tag == TAG_SETTING)
			result = read_setting(&part, cgroup, err);
		else if (part.tag == TAG_CONTROLLERS)
			result = wire_string(&part, NAME_MAX, &cgroup->controllers, err);
		else if (part.tag == TAG_USAGE_FILE)
			result = read_usage_file(&part, cgroup, err);
		if (result < 0)
			return -1;
	}
	if (result < 0)
		return -1;
	const char *name = cgroup->path != NULL ? strrchr(cgroup->path, '/') : NULL;

	if (name == NULL || name[1] == '\0' || strcmp(name, "/.") == 0 || strcmp(name, "/..") == 0 || cgroup->version < 1 || cgroup->version > 2)
		return error_set(err, EINVAL, "cgroup '%s' of version %u", cgroup->path != NULL ? cgroup->path : "", cgroup->version);
	return 0;
}

static int read_user(const struct wire_attribute *attribute, struct description *description, struct error *err)
{
	struct user *user = append(&description->users, &description->user_count, DESCRIPTION_MAX_USERS, sizeof(*user), "users", err);
	struct wire_reader reader;
	struct wire_attribute part;
	int result;

	if (user == NULL)
		return -1;
	wire_reader_enter(&reader, attribute);
	while ((result = wire_next(&reader, &part, err)) > 0) {
		if (part.tag == TAG_NAME)
			result = wire_string(&part, NAME_MAX, &user->name, err);
		else if (part.tag == TAG_UID)
			result = wire_u32(&part, &user->uid, err);
		else if (part.tag == TAG_GID)
			result = wire_u32(&part, &user->gid, err);
		else if (part.tag == TAG_PRIVILEGED)
			result = wire_u32(&part, &user->privileged, err);
		else if (part.tag == TAG_WORKING_DIRECTORY)
			result = wire_string(&part, MAX_TEXT, &user->directory, err);
		else if (part.tag == TAG_ENVIRONMENT)
			result = wire_strings_add(&user->environment, &part, MAX_TEXT, 64, err);
		if (result < 0)
			return -1;
	}
	if (result == 0 && (user->name == NULL || user->directory == NULL))
		return error_set(err, EINVAL, "user without a name or a directory");
	return result;
}

static int read_fault(const struct wire_attribute *attribute, struct description *description, struct error *err)
{
	struct wire_reader reader;
	struct wire_attribute part;
	int result;

	wire_reader_enter(&reader, attribute);
	while ((result = wire_next(&reader, &part, err)) > 0) {
		if (part.tag == TAG_STEP && wire_string(&part, NAME_MAX, &description->fault_step, err) < 0)
			return -1;
		if (part.tag == TAG_ERRNO && wire_u32(&part, &description->fault_number, err) < 0)
			return -1;
	}
	return result;
}

static int read_syslog(const struct wire_attribute *attribute, struct description *description, struct error *err)
{
	_cleanup_free_ char *path = NULL;

	if (wire_string(attribute, MAX_TEXT, &path, err) < 0)
		return -1;
	const char *name = strrchr(path, '/');

	if (name == NULL || name[1] == '\0' || strcmp(name, "/.") == 0 || strcmp(name, "/..") == 0 || strlen(name + 1) > DESCRIPTION_MAX_SYSLOG_NAME)
		return error_set(err, EINVAL, "syslog socket '%.200s'", path);
	free(description->syslog_name);
	description->syslog_name = strdup(name + 1);
	return description->syslog_name != NULL ? 0 : error_set(err, ENOMEM, "syslog socket");
}

static int read_quota_kind(const struct wire_attribute *attribute, struct description *description, struct error *err)
{
	if (wire_u32(attribute, &description->quota_kind, err) < 0)
		return -1;
	return description->quota_kind == QUOTA_USER || description->quota_kind == QUOTA_PROJECT ? 0 : error_set(err, EINVAL, "quota kind %u", description->quota_kind);
}

static int read_attribute(const struct wire_attribute *attribute, struct description *description, struct error *err)
{
	switch (attribute->tag) {
	case TAG_ID:
		return wire_string(attribute, NAME_MAX, &description->id, err);
	case TAG_HANDLE:
		return wire_string(attribute, MAX_TEXT, &description->handle, err);
	case TAG_HOSTNAME:
		return wire_string(attribute, 64, &description->hostname, err);
	case TAG_PING_GROUPS:
		return wire_string(attribute, 64, &description->ping_groups, err);
	case TAG_DEADLINE_MS:
		return wire_u32(attribute, &description->deadline_ms, err);
	case TAG_SHM_SIZE:
		return wire_u64(attribute, &description->shm_size, err);
	case TAG_QUOTA_KIND:
		return read_quota_kind(attribute, description, err);
	case TAG_PRIVILEGED_CAPABILITIES:
		return wire_u64(attribute, &description->privileged_capabilities, err);
	case TAG_NESTED:
		return wire_u32(attribute, &description->nested, err);
	case TAG_ID_MAP:
		return id_map_add(&description->map, attribute, err);
	case TAG_LOWER:
		return ++description->lower_count > DESCRIPTION_MAX_LOWERS ? error_set(err, E2BIG, "more than %d layers", DESCRIPTION_MAX_LOWERS) : 0;
	case TAG_MOUNT:
		return read_volume(attribute, description, err);
	case TAG_UPPER_DIRECTORY:
	case TAG_UPPER_FILE:
		return read_upper(attribute, description, err);
	case TAG_ACCOUNT_FILE:
		return read_account(attribute, description, err);
	case TAG_CGROUP:
		return read_cgroup(attribute, description, err);
	case TAG_USER:
		return read_user(attribute, description, err);
	case TAG_DISK_DIRECTORY:
		description->has_disk = true;
		return 0;
	case TAG_SYSLOG_SOCKET:
		return read_syslog(attribute, description, err);
	case TAG_HOOK:
	case TAG_HOOK_INPUT:
		return hook_list_add(&description->hooks, attribute, err);
	case TAG_FAULT:
		return read_fault(attribute, description, err);
	default:
		return 0;   /* the launcher's: links, firewall elements, paths it has opened */
	}
}

int description_read(const void *body, size_t size, struct description *ret_description, struct error *err)
{
	struct description description = { .deadline_ms = DEFAULT_DEADLINE_MS, .shm_size = DEFAULT_SHM_SIZE };
	struct wire_reader reader;
	struct wire_attribute attribute;
	uint32_t root;
	int result;

	wire_reader_init(&reader, body, size);
	while ((result = wire_next(&reader, &attribute, err)) > 0)
		if ((result = read_attribute(&attribute, &description, err)) < 0)
			break;
	if (result == 0 && (description.id == NULL || description.handle == NULL || description.hostname == NULL || description.lower_count == 0))
		result = error_set(err, EINVAL, "id, handle, host name or root file system is missing");
	if (result == 0 && (description.deadline_ms == 0 || description.deadline_ms > MAX_DEADLINE_MS))
		result = error_set(err, EINVAL, "deadline of %u ms", description.deadline_ms);
	if (result == 0)
		result = id_map_to_host(&description.map, 0, &root, err);
	if (result < 0) {
		description_free(&description);
		return -1;
	}
	*ret_description = description;
	return 0;
}

void description_free(struct description *description)
{
	free(description->id);
	free(description->handle);
	free(description->hostname);
	free(description->ping_groups);
	free(description->syslog_name);
	free(description->fault_step);
	for (size_t i = 0; i < description->volume_count; i++) {
		free(description->volumes[i].destination);
		free(description->volumes[i].source);
	}
	free(description->volumes);
	for (size_t i = 0; i < description->upper_count; i++)
		free(description->upper[i].path);
	free(description->upper);
	for (size_t i = 0; i < description->account_count; i++) {
		free(description->accounts[i].path);
		free(description->accounts[i].name);
		free(description->accounts[i].line);
	}
	free(description->accounts);
	for (size_t i = 0; i < description->cgroup_count; i++) {
		for (size_t j = 0; j < description->cgroups[i].setting_count; j++)
			free(description->cgroups[i].settings[j].name);
		free(description->cgroups[i].settings);
		free(description->cgroups[i].path);
		free(description->cgroups[i].controllers);
		wire_strings_free(&description->cgroups[i].usage_files);
	}
	free(description->cgroups);
	for (size_t i = 0; i < description->user_count; i++) {
		free(description->users[i].name);
		free(description->users[i].directory);
		wire_strings_free(&description->users[i].environment);
	}
	free(description->users);
	hook_list_free(&description->hooks);
	*description = (struct description){ 0 };
}
