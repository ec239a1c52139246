#include "monitor/run-packet.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "lib/fd.h"

#define MAX_SCRIPT (16u << 20)

static int finish(struct job *job, struct error *err)
{
	if (wire_end(&job->run, err) < 0)
		return -1;
	if (job->run.size > RUN_PACKET_MAX)
		return error_set(err, E2BIG, "arguments and environment of %zu bytes, at most %u", job->run.size, RUN_PACKET_MAX);
	return 0;
}

static void begin(struct job *job)
{
	wire_begin(&job->run, WIRE_RUN);
	wire_put_u32(&job->run, TAG_JOB_ID, job->id);
	if (job->group.directory >= 0)
		wire_put_u32(&job->run, TAG_JOB_CGROUP, 1);
}

int run_packet_from_spawn(struct job *job, const struct frame *frame, struct error *err)
{
	struct wire_reader reader;
	struct wire_attribute attribute;
	int result;

	begin(job);
	wire_reader_init(&reader, frame->body, frame->size);
	while ((result = wire_next(&reader, &attribute, err)) > 0) {
		switch (attribute.tag) {
		case TAG_ARGUMENT:
		case TAG_ENVIRONMENT:
		case TAG_WORKING_DIRECTORY:
		case TAG_REQUIRE_DIRECTORY:
		case TAG_USER_NAME:
		case TAG_UID:
		case TAG_GID:
		case TAG_PRIVILEGED:
		case TAG_RLIMIT:
		case TAG_TERMINAL:
		case TAG_OPEN_INPUT:
		case TAG_ROWS:
		case TAG_COLUMNS:
			wire_put_bytes(&job->run, attribute.tag, attribute.data, attribute.size);
			break;
		default:
			break;   /* the monitor's */
		}
	}
	return result < 0 ? -1 : finish(job, err);
}

static const struct user *find_user(const struct container *container, const char *name)
{
	static char *root_environment[] = { "HOME=/root", "USER=root", "PATH=/sbin:/bin:/usr/sbin:/usr/bin", NULL };
	static const struct user root = {
		.name = "root", .privileged = 1, .directory = "/root", .environment = { .items = root_environment, .count = 3 },
	};

	for (size_t i = 0; i < container->user_count; i++)
		if (strcmp(container->users[i].name, name) == 0)
			return &container->users[i];
	return strcmp(name, "root") == 0 ? &root : NULL;
}

static void put_user(struct wire_buffer *run, const struct user *user)
{
	wire_put_u32(run, TAG_UID, user->uid);
	wire_put_u32(run, TAG_GID, user->gid);
	wire_put_u32(run, TAG_PRIVILEGED, user->privileged);
	wire_put_string(run, TAG_WORKING_DIRECTORY, user->directory);
	for (size_t i = 0; i < user->environment.count; i++)
		wire_put_string(run, TAG_ENVIRONMENT, user->environment.items[i]);
}

int run_packet_from_shell(struct job *job, const struct frame *frame, struct error *err)
{
	struct wire_reader reader;
	struct wire_attribute attribute;
	bool arguments = false;
	int result;

	begin(job);
	wire_put_u32(&job->run, TAG_TERMINAL, 1);
	wire_reader_init(&reader, frame->body, frame->size);
	while ((result = wire_next(&reader, &attribute, err)) > 0) {
		char name[33];

		switch (attribute.tag) {
		case TAG_NAME: {
			if (wire_string_into(&attribute, name, sizeof(name), err) < 0)
				return -1;
			const struct user *user = find_user(&job->monitor->container, name);

			if (user == NULL)
				return error_set(err, ENOENT, "the container has no user %s", name);
			put_user(&job->run, user);
			break;
		}
		case TAG_ARGUMENT:
			arguments = true;
			/* fall through */
		case TAG_ENVIRONMENT:
		case TAG_WORKING_DIRECTORY:
		case TAG_UID:
		case TAG_GID:
		case TAG_PRIVILEGED:
		case TAG_ROWS:
		case TAG_COLUMNS:
			wire_put_bytes(&job->run, attribute.tag, attribute.data, attribute.size);
			break;
		default:
			return error_set(err, EBADMSG, "attribute %u in SHELL", attribute.tag);
		}
	}
	if (result < 0)
		return -1;
	if (!arguments) {
		wire_put_string(&job->run, TAG_ARGUMENT, "/bin/bash");
		wire_put_string(&job->run, TAG_ARGUMENT, "-l");
	}
	return finish(job, err);
}

int run_packet_add_input(struct job *job, const struct wire_attribute *script, struct error *err)
{
	int input;

	if (script != NULL && script->size > MAX_SCRIPT)
		return error_set(err, E2BIG, "script of %u bytes, at most %u", script->size, MAX_SCRIPT);
	if (script != NULL) {
		input = prepared_take_script(&job->monitor->prepared, script->data, script->size, err);
		if (input < 0)
			return -1;
	} else {
		input = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (input < 0)
			return error_set(err, errno, "/dev/null");
	}
	job->run_fds[1] = job->run_fds[0];
	job->run_fds[0] = input;
	job->run_fd_count++;
	return 0;
}
