#include "launcher/quota.h"

#include <errno.h>
#include <fcntl.h>

#include "lib/fault.h"
#include "lib/fd.h"
#include "launcher/steps.h"

struct quota_state {
	struct quota quota;
	bool enforced;
};

static int carry_out(const struct quota_order *order, struct quota_state *ret_state, struct error *err)
{
	bool limits = order->limits.has_blocks || order->limits.has_inodes;
	struct quota_file_system file_system;
	uint32_t id = order->id;

	if (step_begin(limits ? STEP_SET_QUOTA : STEP_READ_QUOTA, err) < 0)
		return -1;
	_cleanup_close_ int directory = open(order->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (directory < 0)
		return error_set(err, errno, "%.200s", order->path);
	if (quota_open(directory, &file_system, err) < 0 || quota_is_enforced(&file_system, order->kind, &ret_state->enforced, err) < 0)
		return -1;
	if (!order->has_id && project_read(directory, &id, err) < 0)
		return -1;
	if (limits && quota_limit(&file_system, order->kind, id, &order->limits, err) < 0)
		return -1;
	return quota_read(&file_system, order->kind, id, &ret_state->quota, err);
}

static void answer(struct launcher *launcher, uint32_t request, const struct quota_state *state)
{
	struct wire_buffer *output = &launcher->output;

	answer_begin(launcher, request);
	wire_put_u64(output, TAG_BYTES_USED, state->quota.space_in_bytes);
	wire_put_u64(output, TAG_BLOCK_LIMIT, state->quota.hard_blocks);
	wire_put_u64(output, TAG_INODES_USED, state->quota.inodes);
	wire_put_u64(output, TAG_INODE_LIMIT, state->quota.hard_inodes);
	wire_put_u32(output, TAG_QUOTA_ENFORCED, state->enforced);
	answer_send(launcher);
}

void quota_serve(struct launcher *launcher, uint32_t request, const void *body, size_t size)
{
	struct error err = { .step = STEP_READ_QUOTA };
	struct quota_order order;
	struct quota_state state;

	if (quota_order_read(body, size, &order, &err) < 0 || carry_out(&order, &state, &err) < 0)
		answer_error(launcher, request, &err);
	else
		answer(launcher, request, &state);
	free(order.path);
}
