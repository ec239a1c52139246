/*
 * iomux-link [-w POSITIONS] [-s STATUS] DIR: fetches the output and the exit status of the command that iomux-spawn runs in DIR.
 *
 * Theory of operation. One connection to DIR/link.sock: FOLLOW from the saved position, then OUTPUT frames, whose bytes go to standard output and standard
 * error as they were written, then EXIT. Everything is written with blocking calls: a reader of ours that is slow makes us slow, and iomux-spawn keeps the
 * rest. When all is written, positions and status are saved, and FORGET lets iomux-spawn end. A link that is killed has said nothing of the kind, so the next
 * one gets what is missing.
 *
 * Exit status: the command's own; 255 for one that a signal ended, for one that is lost, and when iomux-link itself failed, with a line on standard
 * error for the latter two. STATUS tells them apart for certain.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>

#include "iomux/directory.h"
#include "iomux/link-output.h"
#include "iomux/one-job.h"
#include "lib/deadline.h"
#include "lib/fd.h"
#include "lib/replace.h"
#include "lib/stream.h"

enum { UNKNOWN = 255, ANSWER_DEADLINE_MS = 30000, TRIES = 3 };

static const char usage[] =
	"usage: iomux-link [-w POSITIONS] [-s STATUS] DIR\n"
	"\n"
	"Writes what the command of `iomux-spawn DIR` has written and writes, and exits with its status when it ends.\n"
	"\n"
	"  -w, --positions POSITIONS   go on where a link with this file came to; the file is updated as output is written\n"
	"  -s, --status STATUS         write `exited N`, `signalled N` or `lost` to this file\n"
	"      --help                  this text\n"
	"\n"
	"255: a signal ended the command, or it is lost, or iomux-link failed (the reason is on standard error).\n";

struct link {
	int fd;
	struct stream_input input;
	struct link_output output;
	uint32_t exit_kind;
	uint32_t exit_value;
};

static int ask(struct link *link, uint16_t type, bool with_position, struct error *err)
{
	struct wire_buffer request = { 0 };

	wire_begin(&request, type);
	wire_put_u32(&request, TAG_JOB_ID, THE_JOB);
	if (with_position)
		wire_put_u64(&request, TAG_POSITION, link->output.position);
	int result = wire_end(&request, err);

	if (result == 0)
		result = stream_send(link->fd, &request, NULL, 0, deadline_in_ms(ANSWER_DEADLINE_MS), err);
	wire_buffer_free(&request);
	return result;
}

static int take_refusal(const struct frame *frame, struct error *err)
{
	struct wire_reader reader;
	struct wire_attribute attribute;
	uint32_t number = EPROTO;
	char detail[ERROR_DETAIL_SIZE] = "";

	wire_reader_init(&reader, frame->body, frame->size);
	while (wire_next(&reader, &attribute, err) > 0) {
		if (attribute.tag == TAG_ERRNO)
			wire_u32(&attribute, &number, err);
		else if (attribute.tag == TAG_DETAIL)
			wire_string_into(&attribute, detail, sizeof(detail), err);
	}
	return error_set(err, (int)number, "%s", detail);
}

/* 1: followed; 0: who listened went away before it answered, and it has to be looked again whether there is another; -1. */
static int try_follow(struct link *link, const char *directory, struct error *err)
{
	struct frame frame;

	link->fd = close_fd(link->fd);
	stream_input_free(&link->input);
	if (meeting_place_connect(directory, &link->fd, err) < 0)
		return -1;
	if (ask(link, WIRE_FOLLOW, true, err) < 0)
		return err->number == EPIPE || err->number == ECONNRESET ? 0 : -1;
	int result = stream_read_frame(&link->input, link->fd, deadline_in_ms(ANSWER_DEADLINE_MS), &frame, err);

	if (result <= 0)
		return result == 0 || err->number == ECONNRESET || err->number == EPIPE ? 0 : -1;
	return frame.type == WIRE_OK ? 1 : take_refusal(&frame, err);
}

static int follow(struct link *link, const char *directory, struct error *err)
{
	for (int i = 0; i < TRIES; i++) {
		int result = try_follow(link, directory, err);

		if (result > 0)
			return 0;
		if (result == 0) {
			error_set(err, ECONNRESET, "%s", directory);
			continue;
		}
		if (err->number == ENOENT)
			return error_set(err, ENOENT, "nothing to link in %.200s: another link has got it all, or iomux-spawn has not been there", directory);
		if (err->number == ECONNREFUSED)
			return error_set(err, ECONNREFUSED, "lost: iomux-spawn in %.200s was killed", directory);
		return -1;
	}
	return -1;
}

static int take_output(struct link *link, const struct frame *frame, struct error *err)
{
	if (frame->size < 12 || wire_load_u64(frame->body) != link->output.position)
		return error_set(err, EPROTO, "output that does not go on at %llu", (unsigned long long)link->output.position);
	return link_output_write(&link->output, wire_load_u32(frame->body + 8), frame->body + 12, frame->size - 12, err);
}

static int take_exit(struct link *link, const struct frame *frame, struct error *err)
{
	struct wire_reader reader;
	struct wire_attribute attribute;
	int result;

	wire_reader_init(&reader, frame->body, frame->size);
	while ((result = wire_next(&reader, &attribute, err)) > 0) {
		if (attribute.tag == TAG_EXIT_KIND && wire_u32(&attribute, &link->exit_kind, err) < 0)
			return -1;
		if (attribute.tag == TAG_EXIT_VALUE && wire_u32(&attribute, &link->exit_value, err) < 0)
			return -1;
	}
	return result;
}

/* Until EXIT, or the end of iomux-spawn. */
static int copy(struct link *link, struct error *err)
{
	while (link->exit_kind == 0) {
		struct frame frame;
		int result = stream_read_frame(&link->input, link->fd, deadline_in_ms(ANSWER_DEADLINE_MS), &frame, err);

		if (result < 0 && err->number == ETIMEDOUT)
			continue;   /* the command is silent */
		if (result <= 0) {
			link->exit_kind = EXIT_LOST;
			break;
		}
		if (frame.type == WIRE_OUTPUT)
			result = take_output(link, &frame, err);
		else if (frame.type == WIRE_EXIT)
			result = take_exit(link, &frame, err);
		else
			result = error_set(err, EPROTO, "message %u", frame.type);
		if (result < 0 || link_output_save(&link->output, !stream_has_frame(&link->input), err) < 0)
			return -1;
	}
	return link_output_save(&link->output, true, err);
}

static int write_status(const struct link *link, const char *path, struct error *err)
{
	char text[32];
	int size = link->exit_kind == EXIT_LOST ? snprintf(text, sizeof(text), "lost\n") :
		snprintf(text, sizeof(text), "%s %u\n", link->exit_kind == EXIT_EXITED ? "exited" : "signalled", link->exit_value);

	return file_replace(path, text, (size_t)size, err);
}

/* All is written and saved. Whether another link was faster makes no difference. */
static void forget(struct link *link)
{
	struct frame frame;
	struct error ignored;

	if (ask(link, WIRE_FORGET, false, &ignored) == 0)
		stream_read_frame(&link->input, link->fd, deadline_in_ms(ANSWER_DEADLINE_MS), &frame, &ignored);
}

static int run(const char *directory, const char *positions, const char *status, struct link *link, struct error *err)
{
	err->step = "read positions";
	if (link_output_open(&link->output, positions, err) < 0)
		return -1;
	err->step = "link";
	if (follow(link, directory, err) < 0)
		return -1;
	err->step = "copy";
	if (copy(link, err) < 0)
		return -1;
	err->step = "write status";
	if (status != NULL && write_status(link, status, err) < 0)
		return -1;
	if (link->exit_kind == EXIT_LOST) {
		err->step = "link";
		return error_set(err, EPIPE, "lost: iomux-spawn in %.200s ended before it could say how the command ended", directory);
	}
	forget(link);
	return link->exit_kind == EXIT_EXITED ? (int)link->exit_value : UNKNOWN;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "positions", required_argument, NULL, 'w' },
		{ "status", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	static struct link link = { .fd = -1 };
	const char *positions = NULL, *status = NULL;
	struct error err = { 0 };
	int option;

	while ((option = getopt_long(argc, argv, "+w:s:h", options, NULL)) != -1) {
		if (option == 'w') {
			positions = optarg;
		} else if (option == 's') {
			status = optarg;
		} else {
			fputs(usage, option == 'h' ? stdout : stderr);
			return option == 'h' ? 0 : UNKNOWN;
		}
	}
	if (argc - optind != 1) {
		fprintf(stderr, "iomux-link: one DIR is needed\n%s", usage);
		return UNKNOWN;
	}
	if (fd_open_standard() < 0)
		return UNKNOWN;
	/* A reader that has gone is an error that is told, and the output stays where it is. */
	signal(SIGPIPE, SIG_IGN);
	int result = run(argv[optind], positions, status, &link, &err);

	if (result >= 0)
		return result;
	error_print("iomux-link", &err);
	return UNKNOWN;
}
