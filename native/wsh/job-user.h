/*
 * Who a job runs as when the request says it by name: a line of the container's own /etc/passwd, or numbers.
 * wshd reads the file as PID 1, so nothing that stands at that path may hold it up (passwd-file.h).
 */
#ifndef WARDEN_WSH_JOB_USER_H
#define WARDEN_WSH_JOB_USER_H

#include "lib/error.h"
#include "wsh/run-request.h"
#include "wsh/wshd.h"

/*
 * Fills in uid and gid, HOME and USER where the environment has none, and the working directory where there is none, for request->user_name: NAME,
 * UID or UID:GID. A UID without a line is its own group, at home in /. ENOENT: no such user; EINVAL: no name and no number;
 * EPERM: uid 0 without `privileged`; ELOOP and others: the file is none that is read. Step "find user".
 */
int job_user_find(const struct wshd *wshd, struct run_request *request, struct error *err);

#endif
