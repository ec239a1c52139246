#include "launcher/discard.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "lib/fd.h"
#include "lib/remove.h"
#include "launcher/background.h"
#include "launcher/description.h"
#include "launcher/disk.h"
#include "launcher/steps.h"

enum { NAME_SIZE = 256, NICE = 10 };

struct order {
	char path[PATH_MAX];
	struct wire_strings names;
};

static bool is_entry_name(const char *name)
{
	return name[0] != '\0' && strchr(name, '/') == NULL && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static int read_attribute(void *context, const struct wire_attribute *attribute, struct error *err)
{
	struct order *order = context;

	switch (attribute->tag) {
	case TAG_PATH:
		return wire_string_into(attribute, order->path, sizeof(order->path), err);
	case TAG_NAME:
		return wire_strings_add(&order->names, attribute, NAME_SIZE, DISCARD_MAX_NAMES, err);
	default:
		return 0;
	}
}

static int read_order(const void *body, size_t size, struct order *ret_order, struct error *err)
{
	if (wire_read_all(body, size, read_attribute, ret_order, err) < 0)
		return -1;
	if (!path_is_plain(ret_order->path))
		return error_set(err, EINVAL, "path %s", ret_order->path);
	for (size_t i = 0; i < ret_order->names.count; i++)
		if (!is_entry_name(ret_order->names.items[i]))
			return error_set(err, EINVAL, "name %s", ret_order->names.items[i]);
	return 0;
}

static int remove_all(int directory, const void *context, struct error *err)
{
	const struct order *order = context;

	for (size_t i = 0; i < order->names.count; i++)
		disk_take_apart(directory, order->names.items[i]);
	return remove_entries(directory, order->names.items, order->names.count, err);
}

static int start(struct launcher *launcher, uint32_t request, const struct order *order, struct error *err)
{
	_cleanup_close_ int directory = open(order->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (directory < 0)
		return error_set(err, errno, "%s", order->path);
	/* Creates and jobs come first. */
	const struct background_task task = {
		.step = STEP_DISCARD, .niceness = NICE, .max_under_way = DISCARD_MAX_UNDER_WAY, .descriptor = directory, .work = remove_all, .order = order,
	};

	return background_start(launcher, request, &task, err);
}

void discard_begin(struct launcher *launcher, uint32_t request, const void *body, size_t size)
{
	struct error err = { .step = STEP_DISCARD };
	struct order order = { .path = "" };

	if (read_order(body, size, &order, &err) < 0 || start(launcher, request, &order, &err) < 0)
		answer_error(launcher, request, &err);
	wire_strings_free(&order.names);
}
