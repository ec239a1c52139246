#include "iomux/link-output.h"

#include <errno.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/wire.h"

/* Into a pipe this much may be written twice when the link is killed. */
#define SAVE_EVERY (64u << 10)

static const int descriptors[2] = { STDOUT_FILENO, STDERR_FILENO };

static int look(struct target targets[2], struct error *err)
{
	for (int i = 0; i < 2; i++)
		if (target_look(descriptors[i], &targets[i], err) < 0)
			return -1;
	return 0;
}

int link_output_open(struct link_output *output, const char *path, struct error *err)
{
	struct target now[2];

	*output = (struct link_output){ .path = path };
	if (path == NULL)
		return 0;
	if (positions_read(path, &output->saved, err) < 0 || look(now, err) < 0)
		return -1;
	output->position = output->saved.position;
	output->same_file = now[0].regular && now[1].regular && now[0].device == now[1].device && now[0].inode == now[1].inode;
	for (int i = 0; i < 2; i++)
		output->skip[i] = target_growth(&output->saved.targets[i], &now[i]);
	if (output->same_file)
		output->skip[1] = 0;
	/* At the end, whatever the shell has opened the file as. */
	for (int i = 0; i < 2; i++)
		if (output->position > 0 && now[i].regular)
			lseek(descriptors[i], 0, SEEK_END);
	/* What a file grows by from here on has been written by this link. */
	if (output->skip[0] + output->skip[1] == 0) {
		output->saved.targets[0] = now[0];
		output->saved.targets[1] = now[1];
		return positions_write(path, &output->saved, err);
	}
	return 0;
}

int link_output_write(struct link_output *output, uint32_t stream, const uint8_t *data, size_t size, struct error *err)
{
	int which = stream == STREAM_STDERR;
	uint64_t *skip = &output->skip[output->same_file ? 0 : which];
	size_t skipped = *skip < size ? (size_t)*skip : size;

	*skip -= skipped;
	if (fd_write_all(descriptors[which], data + skipped, size - skipped, INT64_MAX, err) < 0)
		return error_set(err, err->number, which == 0 ? "standard output" : "standard error");
	output->position += size;
	return 0;
}

int link_output_save(struct link_output *output, bool now, struct error *err)
{
	uint64_t unsaved = output->position - output->saved.position;

	if (output->path == NULL || unsaved == 0 || (!now && unsaved < SAVE_EVERY))
		return 0;
	/* Until all that was written before is passed over, the old positions tell more than new ones could. */
	if (output->skip[0] + output->skip[1] > 0)
		return 0;
	if (look(output->saved.targets, err) < 0)
		return -1;
	output->saved.position = output->position;
	return positions_write(output->path, &output->saved, err);
}
