#include "files/request.h"

#include <errno.h>
#include <stdlib.h>

#include "files/paths.h"

static int read_attribute(void *context, const struct wire_attribute *attribute, struct error *err)
{
	struct request *request = context;

	switch (attribute->tag) {
	case TAG_PATH:
		return paths_read(attribute, &request->path, err);
	case TAG_TARGET:
		return paths_read(attribute, &request->target, err);
	case TAG_TRANSFER_FLAGS:
		return wire_u32(attribute, &request->flags, err);
	case TAG_MODE:
		return wire_u32(attribute, &request->mode, err);
	case TAG_POSITION:
		return wire_u64(attribute, &request->position, err);
	case TAG_LENGTH:
		return wire_u64(attribute, &request->length, err);
	case TAG_ENTRY_LIMIT:
		return wire_u64(attribute, &request->entry_limit, err);
	case TAG_BYTE_LIMIT:
		return wire_u64(attribute, &request->byte_limit, err);
	case TAG_CONTENT:
		request->content = attribute->data;
		request->content_size = attribute->size;
		return 0;
	default:
		return 0;
	}
}

int request_read(const struct transfer *transfer, struct request *ret_request, struct error *err)
{
	err->step = "read request";
	*ret_request = (struct request){
		.mode = UINT32_MAX, .position = UINT64_MAX, .length = UINT64_MAX, .entry_limit = UINT64_MAX, .byte_limit = UINT64_MAX,
	};
	if (wire_read_all(transfer->body, transfer->size, read_attribute, ret_request, err) < 0)
		return -1;
	return ret_request->path == NULL ? error_set(err, EINVAL, "no path") : 0;
}

void request_free(struct request *request)
{
	free(request->path);
	free(request->target);
}
