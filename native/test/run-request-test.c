/* wsh/run-request.c: what wshd takes, and what it refuses. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "test/tap.h"
#include "wsh/run-request.h"

static struct wire_buffer buffer;

static void begin(bool user)
{
	buffer.size = 0;
	wire_begin(&buffer, WIRE_RUN);
	wire_put_string(&buffer, TAG_ARGUMENT, "/bin/true");
	if (user) {
		wire_put_u32(&buffer, TAG_UID, 5);
		wire_put_u32(&buffer, TAG_GID, 6);
	}
}

static int read_it(struct run_request *request)
{
	struct error err = { 0 };

	if (wire_end(&buffer, &err) < 0)
		return ENOMEM;
	return run_request_read(buffer.data + 8, buffer.size - 8, request, &err) == 0 ? 0 : err.number;
}

static void put_rlimit(uint32_t resource)
{
	size_t opened = wire_open(&buffer, TAG_RLIMIT);

	wire_put_u32(&buffer, TAG_RESOURCE, resource);
	wire_put_u64(&buffer, TAG_SOFT, 1);
	wire_put_u64(&buffer, TAG_HARD, 2);
	wire_close(&buffer, opened);
}

int main(void)
{
	struct run_request request;
	struct error err = { 0 };

	begin(true);
	put_rlimit(7);
	wire_put_string(&buffer, TAG_ENVIRONMENT, "A=b");
	CHECK(read_it(&request) == 0 && request.uid == 5 && request.gid == 6 && !request.privileged && request.rlimit_count == 1 && request.rlimits[0].hard == 2, "a request");
	CHECK(request.arguments.count == 1 && request.arguments.items[1] == NULL && strcmp(request.environment.items[0], "A=b") == 0, "its strings");
	run_request_free(&request);
	begin(true);
	CHECK(read_it(&request) == 0 && request.environment.items != NULL && request.environment.items[0] == NULL, "no environment is an empty one");
	run_request_free(&request);
	begin(false);
	CHECK(read_it(&request) == EINVAL, "without a user");
	begin(false);
	wire_put_string(&buffer, TAG_USER_NAME, "vcap");
	wire_put_u32(&buffer, TAG_REQUIRE_DIRECTORY, 1);
	wire_put_u32(&buffer, TAG_OPEN_INPUT, 1);
	CHECK(read_it(&request) == 0 && request.open_input && strcmp(request.user_name, "vcap") == 0 && request.require_directory, "a user by name");
	CHECK(run_request_add_environment(&request, "HOME=/", &err) == 0 && run_request_add_environment(&request, "USER=v", &err) == 0 &&
	      request.environment.count == 2 && strcmp(request.environment.items[1], "USER=v") == 0 && request.environment.items[2] == NULL, "variables for it");
	run_request_free(&request);
	begin(true);
	wire_put_u32(&buffer, TAG_UID, UINT32_MAX);
	CHECK(read_it(&request) == EINVAL, "the id that means no change");
	begin(true);
	put_rlimit(16);
	CHECK(read_it(&request) == EINVAL, "a resource that there is not");
	begin(true);
	for (int i = 0; i < 17; i++)
		put_rlimit(1);
	CHECK(read_it(&request) == E2BIG, "too many limits");
	begin(true);
	wire_put_u32(&buffer, TAG_SIGNAL, 1);
	CHECK(read_it(&request) == EBADMSG, "an attribute of something else");
	buffer.size = 0;
	wire_begin(&buffer, WIRE_RUN);
	wire_put_u32(&buffer, TAG_UID, 5);
	wire_put_u32(&buffer, TAG_GID, 5);
	CHECK(read_it(&request) == EINVAL, "without a program");
	wire_buffer_free(&buffer);
	return tap_end();
}
