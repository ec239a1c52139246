#include "monitor/hook-list.h"

#include <errno.h>
#include <stdlib.h>

static int add_input(struct hook_list *list, const struct wire_attribute *attribute, struct error *err)
{
	if (attribute->size > HOOK_MAX_INPUT)
		return error_set(err, EMSGSIZE, "input of hooks of %u bytes", attribute->size);
	if (attribute->size < 2 || attribute->data[0] != '{' || attribute->data[attribute->size - 1] != '}')
		return error_set(err, EINVAL, "input of hooks is no object");
	list->input = attribute->data;
	list->input_size = attribute->size;
	return 0;
}

static int read_hook(struct hook *hook, const struct wire_attribute *nested, struct error *err)
{
	struct wire_reader reader;
	struct wire_attribute part;
	int result;

	wire_reader_enter(&reader, nested);
	while ((result = wire_next(&reader, &part, err)) > 0) {
		if (part.tag == TAG_HOOK_POINT)
			result = wire_u32(&part, &hook->point, err);
		else if (part.tag == TAG_ARGUMENT)
			result = wire_strings_add(&hook->arguments, &part, HOOK_MAX_TEXT, HOOK_MAX_ARGUMENTS, err);
		else if (part.tag == TAG_TIMEOUT_MS)
			result = wire_u64(&part, &hook->timeout_ms, err);
		if (result < 0)
			return -1;
	}
	if (result < 0)
		return -1;
	if (hook->point < HOOK_PARENT_BEFORE_CLONE || hook->point > HOOK_CHILD_AFTER_PIVOT)
		return error_set(err, EINVAL, "hook at point %u", hook->point);
	if (hook->arguments.count == 0 || hook->arguments.items[0][0] != '/' || hook->timeout_ms == 0)
		return error_set(err, EINVAL, "hook without a program or without time");
	return 0;
}

int hook_list_add(struct hook_list *list, const struct wire_attribute *attribute, struct error *err)
{
	if (attribute->tag == TAG_HOOK_INPUT)
		return add_input(list, attribute, err);
	if (list->count == HOOK_MAX_COUNT)
		return error_set(err, E2BIG, "more than %d hooks", HOOK_MAX_COUNT);
	if (list->hooks == NULL && (list->hooks = calloc(HOOK_MAX_COUNT, sizeof(*list->hooks))) == NULL)
		return error_set(err, ENOMEM, "hooks");
	return read_hook(&list->hooks[list->count++], attribute, err);
}

size_t hook_list_count(const struct hook_list *list, uint32_t point)
{
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++)
		count += list->hooks[i].point == point;
	return count;
}

void hook_list_free(struct hook_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		wire_strings_free(&list->hooks[i].arguments);
	free(list->hooks);
	*list = (struct hook_list){ 0 };
}
