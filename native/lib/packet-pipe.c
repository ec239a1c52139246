#include "lib/packet-pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* A pipe holds at least a page. */
enum { ONE_SLOT = 4096 };

int packet_pipe_open(int ends[2], struct error *err)
{
	if (pipe2(ends, O_CLOEXEC | O_DIRECT) < 0) {
		ends[0] = ends[1] = -1;
		return error_set(err, errno, "pipe");
	}
	if (fcntl(ends[1], F_SETPIPE_SZ, ONE_SLOT) < 0)
		return error_set(err, errno, "shrink a pipe");
	return 0;
}
