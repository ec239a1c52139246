#include "monitor/listening.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "lib/fault.h"
#include "lib/fd.h"
#include "lib/steps.h"
#include "monitor/pid-file.h"

static int listen_at(const struct container_directories *directories, int *ret_listener, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (listener < 0)
		return error_set(err, errno, "socket");
	/* By descriptor: the depot's path may be longer than a socket's name. run/ is 0700, so no one gets in before the chmod. */
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/" SOCKET_NAME, directories->run);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0)
		return error_set(err, errno, "run/" SOCKET_NAME);
	if (fchmodat(directories->run, SOCKET_NAME, 0600, 0) < 0 || listen(listener, SOMAXCONN) < 0)
		return error_set(err, errno, "run/" SOCKET_NAME);
	*ret_listener = steal_fd(&listener);
	return 0;
}

/* Where wardend finds us; while the child assembles its mounts. */
int listening_begin(struct container *container, struct error *err)
{
	if (step_begin(STEP_LISTEN, err) < 0 || directories_make_own(&container->directories, err) < 0)
		return -1;
	if (listen_at(&container->directories, &container->listener, err) < 0)
		return -1;
	return pid_file_write(container->directories.run, PID_FILE_NAME, err);
}
