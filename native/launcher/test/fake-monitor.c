/*
 * A monitor that only speaks the launcher's language, and lies on request: TAG_HOSTNAME says how it is to behave. It writes what it was
 * given to `report` in the container's directory. Its container is one process in namespaces of its own.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lib/deadline.h"
#include "lib/fd.h"
#include "lib/stream.h"

enum { LAUNCHER = 3, TIMEOUT_MS = 20000, DIRECTORY_INDEX = 4 };

static char behaviour[32];

static bool behaves(const char *name)
{
	return strcmp(behaviour, name) == 0;
}

static int container_main(void *argument)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(*(int *)argument);
	return pause();
}

static void report(struct stream_input *input, int argc, char **argv, char **environment)
{
	int fds[250], count = 0;

	for (int fd = stream_take_fd(input); fd >= 0; fd = stream_take_fd(input))
		fds[count++] = fd;
	if (count <= DIRECTORY_INDEX)
		_exit(90);
	int fd = openat(fds[DIRECTORY_INDEX], "report", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	FILE *file = fdopen(fd, "w");
	struct dirent *entry;
	struct stat status;

	if (file == NULL)
		_exit(91);
	fprintf(file, "arguments %d %s\nenvironment %s\nsession %d\n", argc, argc > 1 ? argv[1] : "", environment[0] == NULL ? "empty" : environment[0],
		getsid(0) == getpid());
	for (int i = 0; i < count; i++) {
		if (fstat(fds[i], &status) < 0)
			_exit(92);
		fprintf(file, "fd %llu %o\n", (unsigned long long)status.st_ino, status.st_mode);
	}
	DIR *own = opendir("/proc/self/fd");

	/* Open descriptors besides those that came with the message, this directory and the report. */
	for (int number; own != NULL && (entry = readdir(own)) != NULL;)
		if (sscanf(entry->d_name, "%d", &number) == 1 && number < fds[0])
			fprintf(file, "open %d\n", number);
	DIR *root = opendir("/");

	while (root != NULL && (entry = readdir(root)) != NULL)
		if (entry->d_name[0] != '.')
			fprintf(file, "root %s\n", entry->d_name);
	fprintf(file, "dev %s\n", mkdirat(fds[3], "x", 0700) < 0 && errno == EROFS ? "read-only" : "writable");
	fprintf(file, "sealed %s\n", fcntl(fds[0], F_GETFL) % 4 == O_RDONLY && ftruncate(fds[0], 0) < 0 ? "yes" : "no");
	fclose(file);
	for (int i = 0; i < count; i++)
		close(fds[i]);
}

static void say(uint16_t type, pid_t pid)
{
	struct wire_buffer message = { 0 };
	struct error err = { .step = "made up" };

	if (type == WIRE_ERROR) {
		error_set(&err, ENOSPC, "an object");
		wire_begin_error(&message, &err);
	} else {
		wire_begin(&message, type);
	}
	if (pid != 0)
		wire_put_u32(&message, TAG_PID, (uint32_t)pid);
	wire_end(&message, &err);
	stream_send(LAUNCHER, &message, NULL, 0, deadline_in_ms(TIMEOUT_MS), &err);
	wire_buffer_free(&message);
}

static void read_behaviour(const struct frame *frame)
{
	struct wire_reader reader;
	struct wire_attribute attribute;
	struct error err;

	wire_reader_init(&reader, frame->body, frame->size);
	while (wire_next(&reader, &attribute, &err) > 0)
		if (attribute.tag == TAG_HOSTNAME)
			wire_string_into(&attribute, behaviour, sizeof(behaviour), &err);
}

static pid_t start_container(void)
{
	static _Alignas(16) char stack[16384];
	int flags = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | (behaves("host") ? 0 : CLONE_NEWNET), pair[2];
	char byte;

	/* Its end of the pipe closes when it is sure to die with us. */
	if (pipe(pair) < 0)
		_exit(93);
	pid_t pid = clone(container_main, stack + sizeof(stack), flags | SIGCHLD, &pair[1]);

	close(pair[1]);
	if (pid < 0 || read(pair[0], &byte, 1) != 0)
		_exit(94);
	return pid;
}

int main(int argc, char **argv, char **environment)
{
	struct stream_input input = { .fd_limit = 250 };
	struct frame frame;
	struct error err = { 0 };
	struct pollfd order = { .fd = LAUNCHER, .events = POLLIN };

	/* As long as the launcher lives. */
	poll(&order, 1, -1);
	int64_t deadline = deadline_in_ms(TIMEOUT_MS);

	if (stream_read_frame(&input, LAUNCHER, deadline, &frame, &err) <= 0)
		return 80;
	read_behaviour(&frame);
	report(&input, argc, argv, environment);
	/* It is no spare one any more, and shows that as the real one does. */
	if (argc > 1)
		memset(argv[1], '-', strlen(argv[1]));
	if (behaves("die"))
		return 7;
	if (behaves("kill"))
		raise(SIGKILL);
	if (behaves("error")) {
		say(WIRE_ERROR, 0);
		return 1;
	}
	if (behaves("garbage"))
		write(LAUNCHER, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
	if (behaves("deaf"))
		for (;;)
			pause();
	if (!behaves("hang") && !behaves("garbage")) {
		pid_t container = start_container();

		say(WIRE_CLONED, behaves("liar") ? 1 : container);
		if (behaves("silent") || behaves("fail")) {
			if (behaves("fail"))
				say(WIRE_ERROR, 0);
		} else {
			say(WIRE_OK, 0);
		}
	}
	/* The end of the stream before the confirmation means: undo. The container dies with this process. */
	if (stream_read_frame(&input, LAUNCHER, deadline, &frame, &err) <= 0 || frame.type != WIRE_OK)
		return 1;
	for (;;)
		pause();
}
