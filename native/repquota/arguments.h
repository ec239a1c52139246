/* What a person may write for an id: decimal digits and nothing else. Pure. */
#ifndef REPQUOTA_ARGUMENTS_H
#define REPQUOTA_ARGUMENTS_H

#include <stdint.h>

/* 0 to 2^32-2; 2^32-1 is the kernel's "no id". Leading zeros are refused: elsewhere they would mean octal. -1 when it is none. */
static inline int id_parse(const char *text, uint32_t *ret_id)
{
	uint64_t value = 0;

	if (*text == '\0' || (*text == '0' && text[1] != '\0'))
		return -1;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		value = value * 10 + (uint64_t)(*text - '0');
		if (value >= UINT32_MAX)
			return -1;
	}
	*ret_id = (uint32_t)value;
	return 0;
}

#endif
