#include "wsh/naming.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/codec.h"
#include "lib/fd.h"

extern char **environ;

enum { HANDLE_SIZE = 257, PATH_SIZE = 256 };

static const char prefix[] = "wshd: ";

static struct {
	char *start;
	size_t arguments;   /* bytes of the arguments alone, with the last one's NUL */
	size_t size;        /* and of the environment, which the monitor has made long enough for every handle (monitor/child.c) */
} title;

void naming_begin(char **arguments)
{
	if (arguments[0] == NULL)
		return;
	title.start = arguments[0];
	title.arguments = title.size = strlen(arguments[0]) + 1;
	if (environ != NULL && environ[0] == title.start + title.size)
		title.size += strlen(environ[0]) + 1;
}

/*
 * proc(5) shows what was the arguments, unless their last byte is not NUL: then it goes on into the environment, up to the first NUL of both
 * (fs/proc/base.c, get_mm_cmdline). So that byte is NUL only under a title that ends there.
 */
static int set_title(const char *handle, struct error *err)
{
	size_t size = sizeof(prefix) - 1 + strlen(handle) + 1;

	if (size > title.size)
		return error_set(err, E2BIG, "a title of %zu bytes, there is room for %zu", size, title.size);
	memset(title.start, 0, title.size);
	memcpy(title.start, prefix, sizeof(prefix) - 1);
	memcpy(title.start + sizeof(prefix) - 1, handle, size - sizeof(prefix));
	if (size < title.arguments)
		title.start[title.arguments - 1] = '-';
	return 0;
}

static int write_file(const char *path, const uint8_t *content, size_t size, struct error *err)
{
	struct stat status;
	_cleanup_close_ int file = open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (file < 0 || fstat(file, &status) < 0)
		return error_set(err, errno, "%s", path);
	if (!S_ISREG(status.st_mode))
		return error_set(err, EINVAL, "%s is no regular file", path);
	for (size_t done = 0; done < size;) {
		ssize_t written = write(file, content + done, size - done);

		if (written < 0)
			return error_set(err, errno, "%s", path);
		done += (size_t)written;
	}
	/* Not emptied first: ext4 writes the data of a file that was empty out to the disk when it is closed (auto_da_alloc), which a client would wait for. */
	if ((uintmax_t)status.st_size > size && ftruncate(file, (off_t)size) < 0)
		return error_set(err, errno, "%s", path);
	return 0;
}

static int take_file(const struct wire_attribute *attribute, struct error *err)
{
	struct wire_reader reader;
	struct wire_attribute part;
	char path[PATH_SIZE] = "";
	const uint8_t *content = NULL;
	size_t size = 0;
	int more;

	wire_reader_enter(&reader, attribute);
	while ((more = wire_next(&reader, &part, err)) > 0) {
		if (part.tag == TAG_PATH && wire_string_into(&part, path, sizeof(path), err) < 0)
			return -1;
		if (part.tag == TAG_CONTENT) {
			content = part.data;
			size = part.size;
		}
	}
	return more < 0 ? -1 : write_file(path, content, size, err);
}

int naming_serve(const void *body, size_t size, uint32_t *ret_request, struct error *err)
{
	struct wire_reader reader;
	struct wire_attribute attribute;
	char handle[HANDLE_SIZE];
	int more;

	wire_reader_init(&reader, body, size);
	*ret_request = 0;
	while ((more = wire_next(&reader, &attribute, err)) > 0) {
		if (attribute.tag == TAG_REQUEST && wire_u32(&attribute, ret_request, err) < 0)
			return -1;
		if (attribute.tag == TAG_HANDLE && (wire_string_into(&attribute, handle, sizeof(handle), err) < 0 || set_title(handle, err) < 0))
			return -1;
		if (attribute.tag == TAG_UPPER_FILE && take_file(&attribute, err) < 0)
			return -1;
	}
	return more;
}
