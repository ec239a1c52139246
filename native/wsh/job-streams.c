#include "wsh/job-streams.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/packet-pipe.h"

enum { TERMINAL_GROUP = 5 };

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

static void clear(struct job_streams *streams)
{
	streams->input = streams->output = streams->error = -1;
	for (int i = 0; i < STREAMS_MAX; i++)
		streams->passed[i] = -1;
	streams->passed_count = 0;
}

void job_streams_close(struct job_streams *streams)
{
	close_fd(streams->input);
	/* The write ends of pipes are among those passed; a terminal's three are one descriptor. */
	for (int i = 0; i < STREAMS_MAX; i++)
		close_fd(streams->passed[i]);
	clear(streams);
}

/* Two for the next job, made while nobody waits for them: its user is mostly that of the job before. */
static struct spare {
	int ends[2];
	uint32_t uid, gid;
	bool wanted;              /* there was a job, whose user this is */
} spares[2] = { { .ends = { -1, -1 } }, { .ends = { -1, -1 } } };

/* The pipe belongs to the job's user: else /dev/stdout could not be opened again. */
static int make_pipe(uint32_t uid, uint32_t gid, int ends[2], struct error *err)
{
	if (packet_pipe_open(ends, err) < 0)
		return -1;
	if (fchown(ends[1], uid, gid) < 0)
		return error_set(err, errno, "give a pipe to user %u", uid);
	return 0;
}

static void close_spare(struct spare *spare)
{
	for (int i = 0; i < 2; i++)
		spare->ends[i] = close_fd(spare->ends[i]);
}

static int open_pipe(const struct run_request *request, struct spare *spare, int ends[2], struct error *err)
{
	if (spare->ends[1] >= 0 && spare->uid == request->uid && spare->gid == request->gid) {
		ends[0] = steal_fd(&spare->ends[0]);
		ends[1] = steal_fd(&spare->ends[1]);
		return 0;
	}
	close_spare(spare);
	*spare = (struct spare){ .ends = { -1, -1 }, .uid = request->uid, .gid = request->gid, .wanted = true };
	return make_pipe(request->uid, request->gid, ends, err);
}

void job_streams_prepare(void)
{
	struct error ignored;

	for (int i = 0; i < 2; i++) {
		struct spare *spare = &spares[i];

		if (spare->wanted && spare->ends[1] < 0 && make_pipe(spare->uid, spare->gid, spare->ends, &ignored) < 0)
			close_spare(spare);
	}
}

static int open_pipes(const struct run_request *request, struct job_streams *streams, struct error *err)
{
	for (int i = 0; i < 2; i++) {
		int ends[2];
		int result = open_pipe(request, &spares[i], ends, err);

		streams->passed[i] = ends[0];
		streams->passed[i + 2] = ends[1];
		if (result < 0)
			return -1;
	}
	streams->output = streams->passed[2];
	streams->error = streams->passed[3];
	streams->passed_count = 4;
	return 0;
}

static int open_terminal(const struct wshd *wshd, const struct run_request *request, struct job_streams *streams, struct error *err)
{
	/* Mostly nobody may open the one in a host's /dev/pts. */
	const char *path = wshd->plain ? "/dev/ptmx" : "/dev/pts/ptmx";
	int unlocked = 0;
	struct winsize size = {
		.ws_row = (unsigned short)(request->rows < 0xffff ? request->rows : 0xffff),
		.ws_col = (unsigned short)(request->columns < 0xffff ? request->columns : 0xffff),
	};
	int master = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (master < 0)
		return error_set(err, errno, "%s", path);
	streams->passed[0] = master;
	streams->passed_count = 1;
	if (ioctl(master, TIOCSPTLCK, &unlocked) < 0)
		return error_set(err, errno, "unlock the terminal");
	/* By the master, not by a name under /dev/pts that could be another one's. */
	streams->input = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (streams->input < 0)
		return error_set(err, errno, "open the terminal");
	if (size.ws_row != 0 && size.ws_col != 0 && ioctl(master, TIOCSWINSZ, &size) < 0)
		return error_set(err, errno, "set the window size");
	if (!wshd->plain && fchown(streams->input, request->uid, TERMINAL_GROUP) < 0)
		return error_set(err, errno, "give the terminal to user %u", request->uid);
	streams->output = streams->error = streams->input;
	return 0;
}

/* A plain pipe, the job's user's like the others. It holds what the job has not read yet, and the monitor the rest. */
static int open_input(const struct run_request *request, struct job_streams *streams, struct error *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set(err, errno, "pipe");
	streams->input = ends[0];
	streams->passed[4] = ends[1];
	streams->passed_count = 5;
	if (fchown(ends[1], request->uid, request->gid) < 0)
		return error_set(err, errno, "give a pipe to user %u", request->uid);
	return 0;
}

int job_streams_open(const struct wshd *wshd, const struct run_request *request, int input, struct job_streams *ret_streams, struct error *err)
{
	int result;

	err->step = "set up streams";
	clear(ret_streams);
	ret_streams->terminal = request->terminal;
	if (request->terminal) {
		result = open_terminal(wshd, request, ret_streams, err);
		close_fd(input);
	} else if (request->open_input) {
		close_fd(input);
		result = open_pipes(request, ret_streams, err) < 0 ? -1 : open_input(request, ret_streams, err);
	} else {
		ret_streams->input = input;
		result = input < 0 ? error_set(err, EBADF, "RUN without standard input") : open_pipes(request, ret_streams, err);
	}
	if (result < 0)
		job_streams_close(ret_streams);
	return result;
}
