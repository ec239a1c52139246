#include "launcher/disk.h"

#include <errno.h>

#include "lib/codec.h"
#include "launcher/background.h"
#include "launcher/description.h"
#include "launcher/steps.h"

enum { MAKES_UNDER_WAY = 16 };

static const struct disk_kind *const kinds[] = {
	[DISK_BTRFS] = &disk_btrfs,
	[DISK_IMAGE] = &disk_image,
};

static int read_path(const struct wire_attribute *attribute, char *ret_path, struct error *err)
{
	if (wire_string_into(attribute, ret_path, PATH_MAX, err) < 0)
		return -1;
	return path_is_plain(ret_path) ? 0 : error_set(err, EINVAL, "path is not plain: %.200s", ret_path);
}

static int read_attribute(void *context, const struct wire_attribute *attribute, struct error *err)
{
	struct disk_order *order = context;

	switch (attribute->tag) {
	case TAG_DISK_KIND:
		return wire_u32(attribute, &order->kind, err);
	case TAG_PATH:
		return read_path(attribute, order->path, err);
	case TAG_DISK_IMAGE:
		return read_path(attribute, order->image, err);
	case TAG_BYTE_LIMIT:
		order->limits_bytes = true;
		return wire_u64(attribute, &order->byte_limit, err);
	default:
		return 0;
	}
}

static int read_order(struct disk_order *ret_order, const struct frame *frame, struct error *err)
{
	*ret_order = (struct disk_order){ 0 };
	if (wire_read_all(frame->body, frame->size, read_attribute, ret_order, err) < 0)
		return -1;
	if (ret_order->path[0] == '\0')
		return error_set(err, EINVAL, "a disk without a path");
	if (ret_order->kind >= sizeof(kinds) / sizeof(*kinds) || kinds[ret_order->kind] == NULL)
		return error_set(err, EOPNOTSUPP, "disks of kind %u", ret_order->kind);
	return 0;
}

static int limit_and_read(const struct disk_order *order, struct disk_state *ret_state, struct error *err)
{
	const struct disk_kind *kind = kinds[order->kind];

	err->step = STEP_LIMIT_DISK;
	if (order->limits_bytes && kind->limit(order, err) < 0)
		return -1;
	err->step = STEP_READ_DISK;
	return kind->read(order, ret_state, err);
}

static void answer(struct launcher *launcher, uint32_t request, const struct disk_state *state)
{
	struct wire_buffer *output = &launcher->output;

	answer_begin(launcher, request);
	wire_put_u64(output, TAG_BYTE_LIMIT, state->byte_limit);
	wire_put_u64(output, TAG_BYTES_USED, state->bytes_used);
	if (state->counts_inodes)
		wire_put_u64(output, TAG_INODES_USED, state->inodes_used);
	if (state->group[0] != '\0')
		wire_put_string(output, TAG_DISK_GROUP, state->group);
	answer_send(launcher);
}

/* What cannot be told of a new disk can be asked for later. */
static int make_and_read(const struct disk_order *order, struct disk_state *ret_state, struct error *err)
{
	const struct disk_kind *kind = kinds[order->kind];
	struct error unread = { 0 };

	if (kind->make(order, err) < 0)
		return -1;
	if (kind->read(order, ret_state, &unread) < 0)
		*ret_state = (struct disk_state){ 0 };
	return 0;
}

static int make_in_background(int descriptor, const void *argument, struct error *err)
{
	const struct disk_order *order = argument;

	(void)descriptor;
	return kinds[order->kind]->make(order, err);
}

static int make_slowly(struct launcher *launcher, uint32_t request, const struct disk_order *order, struct error *err)
{
	const struct background_task task = { .step = STEP_MAKE_DISK, .max_under_way = MAKES_UNDER_WAY, .descriptor = -1, .work = make_in_background, .order = order };

	return background_start(launcher, request, &task, err);
}

void disk_serve(struct launcher *launcher, uint32_t request, const struct frame *frame)
{
	struct error err = { .step = frame->type == WIRE_DISK_PREPARE ? STEP_PREPARE_DISKS : frame->type == WIRE_DISK_MAKE ? STEP_MAKE_DISK : STEP_READ_DISK };
	struct disk_order order;
	struct disk_state state = { 0 };
	int result = read_order(&order, frame, &err);

	if (result == 0)
		result = frame->type == WIRE_DISK ? limit_and_read(&order, &state, &err) :
			 frame->type == WIRE_DISK_PREPARE ? kinds[order.kind]->prepare(&order, &err) :
			 kinds[order.kind]->makes_slowly ? make_slowly(launcher, request, &order, &err) :
							   make_and_read(&order, &state, &err);
	if (result < 0)
		answer_error(launcher, request, &err);
	else if (frame->type == WIRE_DISK_MAKE && kinds[order.kind]->makes_slowly)
		return;   /* answered when its process has ended */
	else if (frame->type != WIRE_DISK_PREPARE)
		answer(launcher, request, &state);
	else
		answer_ok(launcher, request);
}
