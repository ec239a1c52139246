/* What is read of QUOTA messages, and what is refused. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/quota.h"
#include "test/tap.h"

static int read_back(struct wire_buffer *buffer, struct quota_order *ret_order)
{
	struct error err = { 0 };

	CHECK(wire_end(buffer, &err) == 0, "the message is built");
	/* Not a byte more than there is. */
	size_t size = buffer->size - WIRE_HEADER_SIZE;
	uint8_t *body = malloc(size);

	memcpy(body, buffer->data + WIRE_HEADER_SIZE, size);
	int result = quota_order_read(body, size, ret_order, &err);

	free(body);
	wire_buffer_free(buffer);
	return result == 0 ? 0 : err.number;
}

static int number_of(const char *path, uint32_t kind, uint32_t id)
{
	struct wire_buffer buffer = { 0 };
	struct quota_order order;

	wire_begin(&buffer, WIRE_QUOTA);
	wire_put_u32(&buffer, TAG_REQUEST, 1);
	if (path != NULL)
		wire_put_string(&buffer, TAG_PATH, path);
	wire_put_u32(&buffer, TAG_QUOTA_KIND, kind);
	wire_put_u32(&buffer, TAG_QUOTA_ID, id);
	int number = read_back(&buffer, &order);

	free(order.path);
	return number;
}

static void test_limits(void)
{
	struct wire_buffer buffer = { 0 };
	struct quota_order order;

	wire_begin(&buffer, WIRE_QUOTA);
	wire_put_string(&buffer, TAG_PATH, "/depot");
	wire_put_u32(&buffer, TAG_QUOTA_KIND, QUOTA_PROJECT);
	wire_put_u32(&buffer, TAG_QUOTA_ID, 4294967294u);
	wire_put_u64(&buffer, TAG_INODE_LIMIT, 0);
	CHECK(read_back(&buffer, &order) == 0 && order.id == 4294967294u && order.kind == QUOTA_PROJECT && strcmp(order.path, "/depot") == 0, "a project of a depot");
	CHECK(!order.limits.has_blocks && order.limits.has_inodes && order.limits.inodes == 0, "a limit of 0 is not none at all");
	free(order.path);
	buffer = (struct wire_buffer){ 0 };
	wire_begin(&buffer, WIRE_QUOTA);
	wire_put_string(&buffer, TAG_PATH, "/depot");
	wire_put_u32(&buffer, TAG_BLOCK_LIMIT, 5);
	CHECK(read_back(&buffer, &order) == EBADMSG, "a limit of the wrong size");
	free(order.path);
	for (uint32_t kind = QUOTA_USER; kind <= QUOTA_PROJECT; kind++) {
		buffer = (struct wire_buffer){ 0 };
		wire_begin(&buffer, WIRE_QUOTA);
		wire_put_string(&buffer, TAG_PATH, "/depot/upper");
		wire_put_u32(&buffer, TAG_QUOTA_KIND, kind);
		CHECK(kind == QUOTA_PROJECT ? read_back(&buffer, &order) == 0 && !order.has_id : read_back(&buffer, &order) == EINVAL, "without an id it is the project of the directory");
		free(order.path);
	}
}

int main(void)
{
	CHECK(number_of("/depot", QUOTA_USER, 1) == 0, "a user");
	CHECK(number_of("/depot", 0, 1) == EINVAL && number_of("/depot", 3, 1) == EINVAL, "another kind");
	CHECK(number_of("/depot", QUOTA_USER, 0) == EINVAL && number_of("/depot", QUOTA_PROJECT, UINT32_MAX) == EINVAL, "ids that are nobody's own");
	CHECK(number_of(NULL, QUOTA_USER, 1) == EINVAL && number_of("depot", QUOTA_USER, 1) == EINVAL && number_of("/depot/../etc", QUOTA_USER, 1) == EINVAL, "a path that is missing or not plain");
	test_limits();
	return tap_end();
}
