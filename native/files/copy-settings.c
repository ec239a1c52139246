#include "files/copy-settings.h"

#include <errno.h>
#include <stdlib.h>

#include "files/copy-frames.h"

static int read_flag(const struct wire_attribute *attribute, bool *ret_flag, struct error *err)
{
	uint32_t number;

	if (wire_u32(attribute, &number, err) < 0)
		return -1;
	*ret_flag = number != 0;
	return 0;
}

static int read_writable(struct copy_settings *settings, const struct wire_attribute *attribute, struct error *err)
{
	enum { ID_SIZE = 2 * sizeof(uint64_t) };

	if (attribute->size == 0) {
		settings->no_links = true;
		return 0;
	}
	if (attribute->size != ID_SIZE)
		return error_set(err, EBADMSG, "a directory of %u bytes", attribute->size);
	struct writable_directory *more = realloc(settings->writable, (settings->writable_count + 1) * sizeof(*more));

	if (more == NULL)
		return error_set(err, ENOMEM, "writable directories");
	settings->writable = more;
	more[settings->writable_count++] = (struct writable_directory){ .device = wire_load_u64(attribute->data), .inode = wire_load_u64(attribute->data + sizeof(uint64_t)) };
	return 0;
}

static int read_attribute(void *context, const struct wire_attribute *attribute, struct error *err)
{
	struct copy_settings *settings = context;

	switch (attribute->tag) {
	case TAG_FILE_OPERATION:
		return wire_u32(attribute, &settings->operation, err);
	case TAG_DIRECTORY:
		return wire_string(attribute, PATH_MAX - 1, &settings->directory, err);
	case TAG_SOURCE:
		return wire_string(attribute, PATH_MAX - 1, &settings->source, err);
	case TAG_DESTINATION:
		return wire_string(attribute, PATH_MAX - 1, &settings->destination, err);
	case TAG_WORKING_DIRECTORY:
		return wire_string(attribute, PATH_MAX - 1, &settings->home, err);
	case TAG_UID:
		return wire_u32(attribute, &settings->uid, err);
	case TAG_GID:
		return wire_u32(attribute, &settings->gid, err);
	case TAG_OWNER_UID:
		settings->owner.has_owner = true;
		return wire_u32(attribute, &settings->owner.uid, err);
	case TAG_OWNER_GID:
		settings->owner.has_owner = true;
		return wire_u32(attribute, &settings->owner.gid, err);
	case TAG_ENTRY_LIMIT:
		return wire_u64(attribute, &settings->entry_limit, err);
	case TAG_BYTE_LIMIT:
		return wire_u64(attribute, &settings->byte_limit, err);
	case TAG_WRITABLE_DIRECTORY:
		return read_writable(settings, attribute, err);
	case TAG_KEEP_SET_ID:
		return read_flag(attribute, &settings->keep_set_id, err);
	default:
		return 0;
	}
}

int copy_settings_read(const void *body, size_t size, struct copy_settings *ret_settings, struct error *err)
{
	*ret_settings = (struct copy_settings){ .uid = UINT32_MAX, .gid = UINT32_MAX };
	return wire_read_all(body, size, read_attribute, ret_settings, err);
}

void copy_settings_free(struct copy_settings *settings)
{
	free(settings->directory);
	free(settings->source);
	free(settings->destination);
	free(settings->home);
	free(settings->writable);
}

int copy_settings_put_transfer(const struct copy_settings *settings, struct wire_buffer *buffer, struct error *err)
{
	wire_begin(buffer, WIRE_TRANSFER);
	wire_put_u32(buffer, TAG_FILE_OPERATION, settings->operation);
	wire_put_u32(buffer, TAG_UID, settings->uid);
	wire_put_u32(buffer, TAG_GID, settings->gid);
	wire_put_string(buffer, TAG_WORKING_DIRECTORY, settings->home);
	if (settings->operation == FILE_COPY_IN)
		wire_put_string(buffer, TAG_DESTINATION, settings->destination);
	else
		wire_put_string(buffer, TAG_SOURCE, settings->source);
	wire_put_u64(buffer, TAG_ENTRY_LIMIT, settings->entry_limit);
	wire_put_u64(buffer, TAG_BYTE_LIMIT, settings->byte_limit);
	wire_put_u32(buffer, TAG_KEEP_SET_ID, settings->keep_set_id);
	return wire_end(buffer, err);
}

struct tree_policy copy_settings_policy(const struct copy_settings *settings)
{
	return (struct tree_policy){
		.entry_limit = settings->entry_limit,
		.byte_limit = settings->byte_limit,
		.depth_limit = COPY_MAX_DEPTH,
		.mode_bits = settings->keep_set_id ? TREE_MODE_SET_ID : TREE_MODE_PLAIN,
	};
}
