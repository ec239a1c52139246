/* The hooks of a description: programs that run at four points of a create. Reading them touches nothing but memory. */
#ifndef WARDEN_MONITOR_HOOK_LIST_H
#define WARDEN_MONITOR_HOOK_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "lib/codec.h"

enum { HOOK_MAX_COUNT = 32, HOOK_MAX_ARGUMENTS = 64, HOOK_MAX_TEXT = 4096, HOOK_MAX_INPUT = 256 << 10 };

struct hook {
	uint32_t point;                 /* HOOK_* */
	struct wire_strings arguments;  /* the first is the program's path */
	uint64_t timeout_ms;
};

struct hook_list {
	struct hook *hooks;
	size_t count;
	const uint8_t *input;   /* in the message: a JSON object */
	size_t input_size;
};

/* A HOOK or HOOK_INPUT attribute. EINVAL: no point, program, time or object; E2BIG, EMSGSIZE: a limit. */
int hook_list_add(struct hook_list *list, const struct wire_attribute *attribute, struct error *err);
/* How many there are at a point. */
size_t hook_list_count(const struct hook_list *list, uint32_t point);
void hook_list_free(struct hook_list *list);

#endif
