#include "wsh/run-request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static char *no_strings[] = { NULL };

static int read_rlimit(const struct wire_attribute *attribute, struct run_request *request, struct error *err)
{
	struct wire_reader reader;
	struct wire_attribute part;
	struct run_rlimit limit = { .resource = UINT32_MAX };
	int more, result = 0;

	if (request->rlimit_count == RUN_MAX_RLIMITS)
		return error_set(err, E2BIG, "more than %d resource limits", RUN_MAX_RLIMITS);
	wire_reader_enter(&reader, attribute);
	while ((more = wire_next(&reader, &part, err)) > 0 && result == 0) {
		if (part.tag == TAG_RESOURCE)
			result = wire_u32(&part, &limit.resource, err);
		else if (part.tag == TAG_SOFT)
			result = wire_u64(&part, &limit.soft, err);
		else if (part.tag == TAG_HARD)
			result = wire_u64(&part, &limit.hard, err);
	}
	if (more < 0 || result < 0)
		return -1;
	if (limit.resource >= RUN_MAX_RLIMITS)
		return error_set(err, EINVAL, "resource limit %u", limit.resource);
	request->rlimits[request->rlimit_count++] = limit;
	return 0;
}

static int read_flag(const struct wire_attribute *attribute, bool *ret_flag, struct error *err)
{
	uint32_t value;

	if (wire_u32(attribute, &value, err) < 0)
		return -1;
	*ret_flag = value != 0;
	return 0;
}

static int read_attribute(const struct wire_attribute *attribute, struct run_request *request, struct error *err)
{
	switch (attribute->tag) {
	case TAG_JOB_ID:
		return wire_u32(attribute, &request->job_id, err);
	case TAG_ARGUMENT:
		return wire_strings_add(&request->arguments, attribute, RUN_MAX_TEXT, RUN_MAX_ARGUMENTS, err);
	case TAG_ENVIRONMENT:
		return wire_strings_add(&request->environment, attribute, RUN_MAX_TEXT, RUN_MAX_ENVIRONMENT, err);
	case TAG_WORKING_DIRECTORY:
		return wire_string(attribute, RUN_MAX_PATH, &request->working_directory, err);
	case TAG_REQUIRE_DIRECTORY:
		return read_flag(attribute, &request->require_directory, err);
	case TAG_USER_NAME:
		return wire_string(attribute, RUN_MAX_USER, &request->user_name, err);
	case TAG_UID:
		return wire_u32(attribute, &request->uid, err);
	case TAG_GID:
		return wire_u32(attribute, &request->gid, err);
	case TAG_PRIVILEGED:
		return read_flag(attribute, &request->privileged, err);
	case TAG_TERMINAL:
		return read_flag(attribute, &request->terminal, err);
	case TAG_OPEN_INPUT:
		return read_flag(attribute, &request->open_input, err);
	case TAG_ROWS:
		return wire_u32(attribute, &request->rows, err);
	case TAG_COLUMNS:
		return wire_u32(attribute, &request->columns, err);
	case TAG_JOB_CGROUP:
		return read_flag(attribute, &request->has_cgroup, err);
	case TAG_RLIMIT:
		return read_rlimit(attribute, request, err);
	default:
		return error_set(err, EBADMSG, "attribute %u in RUN", attribute->tag);
	}
}

static int check(const struct run_request *request, bool has_uid, bool has_gid, struct error *err)
{
	if (request->arguments.count == 0 || request->arguments.items[0][0] == '\0')
		return error_set(err, EINVAL, "RUN without a program");
	if (request->user_name == NULL && (!has_uid || !has_gid))
		return error_set(err, EINVAL, "RUN without a user");
	if (request->uid == UINT32_MAX || request->gid == UINT32_MAX)
		return error_set(err, EINVAL, "id 4294967295 means no change");
	return 0;
}

int run_request_read(const void *body, size_t size, struct run_request *ret_request, struct error *err)
{
	struct wire_reader reader;
	struct wire_attribute attribute;
	bool has_uid = false, has_gid = false;
	int more;

	memset(ret_request, 0, sizeof(*ret_request));
	wire_reader_init(&reader, body, size);
	while ((more = wire_next(&reader, &attribute, err)) > 0) {
		has_uid |= attribute.tag == TAG_UID;
		has_gid |= attribute.tag == TAG_GID;
		if (read_attribute(&attribute, ret_request, err) < 0)
			break;
	}
	if (more != 0 || check(ret_request, has_uid, has_gid, err) < 0) {
		run_request_free(ret_request);
		return -1;
	}
	if (ret_request->environment.items == NULL)
		ret_request->environment.items = no_strings;
	return 0;
}

int run_request_add_environment(struct run_request *request, const char *text, struct error *err)
{
	struct wire_attribute attribute = { .tag = TAG_ENVIRONMENT, .size = (uint32_t)strlen(text), .data = (const uint8_t *)text };

	if (request->environment.items == no_strings)
		request->environment.items = NULL;
	return wire_strings_add(&request->environment, &attribute, RUN_MAX_TEXT, RUN_MAX_ENVIRONMENT, err);
}

void run_request_free(struct run_request *request)
{
	if (request->environment.items == no_strings)
		request->environment.items = NULL;
	wire_strings_free(&request->arguments);
	wire_strings_free(&request->environment);
	free(request->working_directory);
	request->working_directory = NULL;
	free(request->user_name);
	request->user_name = NULL;
}
