#include "launcher/spare.h"

#include "lib/fd.h"
#include "launcher/spawn.h"

void spare_prepare(struct launcher *launcher)
{
	struct spare *spare = &launcher->spare;
	struct error ignored;

	if (spare->pid == 0 && !spare->died && launcher->creates == NULL)
		spawn_monitor(launcher->host.monitor, launcher->host.namespaces.minimal_mounts, &spare->pid, &spare->socket, &ignored);
}

bool spare_take(struct launcher *launcher, pid_t *ret_pid, int *ret_socket)
{
	struct spare *spare = &launcher->spare;

	spare->died = false;
	if (spare->pid == 0)
		return false;
	*ret_pid = spare->pid;
	*ret_socket = spare->socket;
	spare->pid = 0;
	return true;
}

bool spare_ended(struct launcher *launcher, pid_t pid)
{
	if (launcher->spare.pid == 0 || launcher->spare.pid != pid)
		return false;
	close_fd(launcher->spare.socket);
	launcher->spare.pid = 0;
	launcher->spare.died = true;
	return true;
}
