#include "launcher/description.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MTU_MIN = 68, MTU_MAX = 65535, PREFIX_MAX = 31 };   /* RFC 791; a link needs two addresses */

bool interface_name_is_valid(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	size_t length = strlen(name);

	return length > 0 && length < IFNAMSIZ && strspn(name, allowed) == length && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

bool path_is_plain(const char *path)
{
	if (path[0] != '/' || path[1] == '\0')
		return false;
	while (*path == '/') {
		const char *component = ++path;

		path += strcspn(path, "/");
		size_t length = (size_t)(path - component);

		if (length == 0 || (length == 1 && component[0] == '.') || (length == 2 && component[0] == '.' && component[1] == '.'))
			return false;
	}
	return true;
}

/* Mount sources and root file systems are named by people: only absolute, and found or not. */
static int read_path(const struct wire_attribute *attribute, char **ret_path, struct error *err)
{
	if (wire_string(attribute, PATH_MAX - 1, ret_path, err) < 0)
		return -1;
	return (*ret_path)[0] == '/' ? 0 : error_set(err, EINVAL, "path is not absolute: %.200s", *ret_path);
}

static int read_plain_path(const struct wire_attribute *attribute, char **ret_path, struct error *err)
{
	if (wire_string(attribute, PATH_MAX - 1, ret_path, err) < 0)
		return -1;
	return path_is_plain(*ret_path) ? 0 : error_set(err, EINVAL, "path is not plain: %.200s", *ret_path);
}

static int read_id(const struct wire_attribute *attribute, char *ret_id, struct error *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

	if (wire_string_into(attribute, ret_id, DESCRIPTION_ID_SIZE, err) < 0)
		return -1;
	if (ret_id[0] == '\0' || ret_id[strspn(ret_id, allowed)] != '\0')
		return error_set(err, EINVAL, "id");
	return 0;
}

static int read_mount(struct mount_source *mount, const struct wire_attribute *nested, struct error *err)
{
	struct wire_reader reader;
	struct wire_attribute attribute;
	int result;

	wire_reader_enter(&reader, nested);
	while ((result = wire_next(&reader, &attribute, err)) > 0) {
		if (attribute.tag == TAG_SOURCE && read_path(&attribute, &mount->path, err) < 0)
			return -1;
		if (attribute.tag == TAG_FLAGS && wire_u32(&attribute, &mount->flags, err) < 0)
			return -1;
	}
	if (result < 0)
		return -1;
	return mount->path != NULL ? 0 : error_set(err, EINVAL, "mount without a source");
}

static int read_hook(struct hook_source *hook, const struct wire_attribute *nested, struct error *err)
{
	struct wire_reader reader;
	struct wire_attribute attribute;
	int result;

	wire_reader_enter(&reader, nested);
	while ((result = wire_next(&reader, &attribute, err)) > 0) {
		if (attribute.tag == TAG_HOOK_POINT && wire_u32(&attribute, &hook->point, err) < 0)
			return -1;
		if (attribute.tag == TAG_ARGUMENT && hook->program == NULL && read_path(&attribute, &hook->program, err) < 0)
			return -1;
	}
	if (result < 0)
		return -1;
	return hook->program != NULL ? 0 : error_set(err, EINVAL, "hook without a program");
}

static int read_cgroup(char **ret_path, const struct wire_attribute *nested, struct error *err)
{
	struct wire_reader reader;
	struct wire_attribute attribute;
	int result;

	wire_reader_enter(&reader, nested);
	while ((result = wire_next(&reader, &attribute, err)) > 0)
		if (attribute.tag == TAG_PATH && read_plain_path(&attribute, ret_path, err) < 0)
			return -1;
	if (result < 0)
		return -1;
	return *ret_path != NULL ? 0 : error_set(err, EINVAL, "cgroup without a path");
}

static int read_bytes(const struct wire_attribute *attribute, void *ret_bytes, size_t size, struct error *err)
{
	if (attribute->size != size)
		return error_set(err, EBADMSG, "attribute %u: %u bytes instead of %zu", attribute->tag, attribute->size, size);
	memcpy(ret_bytes, attribute->data, size);
	return 0;
}

static int read_interface_name(const struct wire_attribute *attribute, char *ret_name, struct error *err)
{
	if (wire_string_into(attribute, ret_name, IFNAMSIZ, err) < 0)
		return -1;
	return interface_name_is_valid(ret_name) ? 0 : error_set(err, EINVAL, "interface name: %s", ret_name);
}

static int read_number(const struct wire_attribute *attribute, uint32_t min, uint32_t max, uint32_t *ret_value, struct error *err)
{
	if (wire_u32(attribute, ret_value, err) < 0)
		return -1;
	if (*ret_value < min || *ret_value > max)
		return error_set(err, EINVAL, "attribute %u: %u is not between %u and %u", attribute->tag, *ret_value, min, max);
	return 0;
}

static int read_link_attribute(struct link_description *link, const struct wire_attribute *attribute, struct error *err)
{
	uint32_t prefix;

	switch (attribute->tag) {
	case TAG_HOST_NAME:
		return read_interface_name(attribute, link->host_name, err);
	case TAG_CONTAINER_NAME:
		return read_interface_name(attribute, link->container_name, err);
	case TAG_HOST_MAC:
		return read_bytes(attribute, link->host_mac, sizeof(link->host_mac), err);
	case TAG_CONTAINER_MAC:
		return read_bytes(attribute, link->container_mac, sizeof(link->container_mac), err);
	case TAG_HOST_ADDRESS:
		return read_bytes(attribute, &link->host_address, sizeof(link->host_address), err);
	case TAG_CONTAINER_ADDRESS:
		return read_bytes(attribute, &link->container_address, sizeof(link->container_address), err);
	case TAG_PREFIX:
		if (read_number(attribute, 1, PREFIX_MAX, &prefix, err) < 0)
			return -1;
		link->prefix = (uint8_t)prefix;
		return 0;
	case TAG_MTU:
		return read_number(attribute, MTU_MIN, MTU_MAX, &link->mtu, err);
	default:
		return error_set(err, EBADMSG, "link: attribute %u", attribute->tag);
	}
}

static int read_link(struct link_description *link, const struct wire_attribute *nested, struct error *err)
{
	static const uint8_t none[6];
	struct wire_reader reader;
	struct wire_attribute attribute;
	int result;

	wire_reader_enter(&reader, nested);
	while ((result = wire_next(&reader, &attribute, err)) > 0)
		if (read_link_attribute(link, &attribute, err) < 0)
			return -1;
	if (result < 0)
		return -1;
	if (link->host_name[0] == '\0' || link->container_name[0] == '\0' || link->host_address.s_addr == 0 ||
	    link->container_address.s_addr == 0 || link->prefix == 0 || link->mtu == 0)
		return error_set(err, EINVAL, "link without names, addresses, prefix or MTU");
	/* Bit 0 of the first byte: a group address, which an interface cannot have (IEEE 802). */
	if (memcmp(link->host_mac, none, 6) == 0 || memcmp(link->container_mac, none, 6) == 0 || ((link->host_mac[0] | link->container_mac[0]) & 1))
		return error_set(err, EINVAL, "link: hardware addresses");
	return 0;
}

int fault_read(struct fault *fault, const struct wire_attribute *nested, struct error *err)
{
	struct wire_reader reader;
	struct wire_attribute attribute;
	int result;

	wire_reader_enter(&reader, nested);
	while ((result = wire_next(&reader, &attribute, err)) > 0) {
		if (attribute.tag == TAG_STEP && wire_string_into(&attribute, fault->step, sizeof(fault->step), err) < 0)
			return -1;
		if (attribute.tag == TAG_ERRNO && wire_u32(&attribute, &fault->number, err) < 0)
			return -1;
	}
	return result;
}

static int check_count(size_t count, size_t max, const char *what, struct error *err)
{
	return count < max ? 0 : error_set(err, E2BIG, "more than %zu %s", max, what);
}

/* Counts go up before the attribute is read, so that description_free() sees what a failed read has allocated. */
static int read_attribute(struct description *description, const struct wire_attribute *attribute, struct error *err)
{
	switch (attribute->tag) {
	case TAG_REQUEST:
		return wire_u32(attribute, &description->request, err);
	case TAG_DEADLINE_MS:
		return read_number(attribute, 1, DESCRIPTION_MAX_DEADLINE_MS, &description->deadline_ms, err);
	case TAG_ID:
		return read_id(attribute, description->id, err);
	case TAG_DIRECTORY:
		return read_plain_path(attribute, &description->directory, err);
	case TAG_DISK_DIRECTORY:
		return read_plain_path(attribute, &description->disk, err);
	case TAG_LOWER:
		if (check_count(description->lower_count, DESCRIPTION_MAX_LOWERS, "root file system layers", err) < 0)
			return -1;
		return read_path(attribute, &description->lowers[description->lower_count++], err);
	case TAG_MOUNT:
		if (check_count(description->mount_count, DESCRIPTION_MAX_MOUNTS, "mounts", err) < 0)
			return -1;
		return read_mount(&description->mounts[description->mount_count++], attribute, err);
	case TAG_CGROUP:
		if (check_count(description->cgroup_count, DESCRIPTION_MAX_CGROUPS, "cgroups", err) < 0)
			return -1;
		return read_cgroup(&description->cgroups[description->cgroup_count++], attribute, err);
	case TAG_HOOK:
		if (check_count(description->hook_count, DESCRIPTION_MAX_HOOKS, "hooks", err) < 0)
			return -1;
		return read_hook(&description->hooks[description->hook_count++], attribute, err);
	case TAG_SYSLOG_SOCKET:
		return read_plain_path(attribute, &description->syslog_socket, err);
	case TAG_LINK:
		description->has_link = true;
		return read_link(&description->link, attribute, err);
	case TAG_FAULT:
		return fault_read(&description->fault, attribute, err);
	default:
		return 0;
	}
}

int description_read_request(const void *body, size_t size, uint32_t *ret_request, struct error *err)
{
	struct wire_reader reader;
	struct wire_attribute attribute;
	int result;

	wire_reader_init(&reader, body, size);
	while ((result = wire_next(&reader, &attribute, err)) > 0)
		if (attribute.tag == TAG_REQUEST)
			return wire_u32(&attribute, ret_request, err);
	return result < 0 ? -1 : error_set(err, EBADMSG, "request without a number");
}

int description_read(struct description *ret_description, const void *body, size_t size, struct error *err)
{
	struct description *description = ret_description;
	struct wire_reader reader;
	struct wire_attribute attribute;
	int result;

	*description = (struct description){ .deadline_ms = DESCRIPTION_DEFAULT_DEADLINE_MS };
	if (size > DESCRIPTION_MAX_SIZE)
		return error_set(err, EMSGSIZE, "description of %zu bytes, at most %d", size, DESCRIPTION_MAX_SIZE);
	wire_reader_init(&reader, body, size);
	while ((result = wire_next(&reader, &attribute, err)) > 0)
		if (read_attribute(description, &attribute, err) < 0)
			return -1;
	if (result < 0)
		return -1;
	if (description->id[0] == '\0' || description->directory == NULL || description->lower_count == 0)
		return error_set(err, EINVAL, "description without id, directory or root file system");
	return elements_read(body, size, &description->elements, &description->element_count, err);
}

void description_free(struct description *description)
{
	free(description->directory);
	free(description->disk);
	for (size_t i = 0; i < description->lower_count; i++)
		free(description->lowers[i]);
	for (size_t i = 0; i < description->mount_count; i++)
		free(description->mounts[i].path);
	for (size_t i = 0; i < description->cgroup_count; i++)
		free(description->cgroups[i]);
	for (size_t i = 0; i < description->hook_count; i++)
		free(description->hooks[i].program);
	free(description->elements);
	free(description->syslog_socket);
	*description = (struct description){ 0 };
}
