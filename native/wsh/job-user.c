#include "wsh/job-user.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wsh/passwd-file.h"

static bool has_variable(const struct run_request *request, const char *name, size_t length)
{
	for (size_t i = 0; i < request->environment.count; i++)
		if (strncmp(request->environment.items[i], name, length) == 0 && request->environment.items[i][length] == '=')
			return true;
	return false;
}

static int add_variable(struct run_request *request, const char *name, const char *value, struct error *err)
{
	char text[PASSWD_MAX_LINE + 16];

	if (has_variable(request, name, strlen(name)))
		return 0;
	snprintf(text, sizeof(text), "%s=%s", name, value);
	return run_request_add_environment(request, text, err);
}

static int apply(struct run_request *request, uint32_t uid, uint32_t gid, const char *user, const char *home, struct error *err)
{
	if (uid == 0 && !request->privileged)
		return error_set(err, EPERM, "%s is root of the container, and the job is not privileged", request->user_name);
	/* Where a login would land when the home directory is not a path. */
	if (home[0] != '/')
		home = "/";
	request->uid = uid;
	request->gid = gid;
	if (request->working_directory == NULL && (request->working_directory = strdup(home)) == NULL)
		return error_set(err, ENOMEM, "working directory");
	return add_variable(request, "HOME", home, err) < 0 ? -1 : add_variable(request, "USER", user, err);
}

int job_user_find(const struct wshd *wshd, struct run_request *request, struct error *err)
{
	struct passwd_search search;
	uint32_t gid;
	char number[16];

	if (passwd_file_find(&search, request->user_name, &gid, wshd->core_key, err) < 0)
		return -1;
	if (search.found)
		return apply(request, search.uid, gid, search.user, search.home, err);
	snprintf(number, sizeof(number), "%u", search.uid);
	return apply(request, search.uid, gid, number, "/", err);
}
