#include <errno.h>
#include <limits.h>

#include "launcher/description.h"
#include "launcher/quota.h"

static int read_attribute(void *context, const struct wire_attribute *attribute, struct error *err)
{
	struct quota_order *order = context;

	switch (attribute->tag) {
	case TAG_PATH:
		return wire_string(attribute, PATH_MAX - 1, &order->path, err);
	case TAG_QUOTA_KIND:
		return wire_u32(attribute, &order->kind, err);
	case TAG_QUOTA_ID:
		order->has_id = true;
		return wire_u32(attribute, &order->id, err);
	case TAG_BLOCK_LIMIT:
		order->limits.has_blocks = true;
		return wire_u64(attribute, &order->limits.blocks, err);
	case TAG_INODE_LIMIT:
		order->limits.has_inodes = true;
		return wire_u64(attribute, &order->limits.inodes, err);
	default:
		return 0;
	}
}

int quota_order_read(const void *body, size_t size, struct quota_order *ret_order, struct error *err)
{
	*ret_order = (struct quota_order){ 0 };
	if (wire_read_all(body, size, read_attribute, ret_order, err) < 0)
		return -1;
	if (ret_order->path == NULL || !path_is_plain(ret_order->path))
		return error_set(err, EINVAL, "path %.200s", ret_order->path != NULL ? ret_order->path : "is missing");
	if (ret_order->kind != QUOTA_USER && ret_order->kind != QUOTA_PROJECT)
		return error_set(err, EINVAL, "quota kind %u", ret_order->kind);
	/* 0 is root, or what has no project; on XFS its limits are those of everybody without any. 2^32-1 is nobody. */
	if (ret_order->has_id && (ret_order->id == 0 || ret_order->id == UINT32_MAX))
		return error_set(err, EINVAL, "quota of id %u", ret_order->id);
	if (!ret_order->has_id && ret_order->kind != QUOTA_PROJECT)
		return error_set(err, EINVAL, "quota of a user without an id");
	return 0;
}
