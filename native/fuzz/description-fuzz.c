/* monitor/description.c: the body of CREATE. */
#include "monitor/description.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct description description;
	struct error err;
	char text[ID_MAP_MAX * 36];
	uint32_t host;

	if (description_read(data, size, &description, &err) < 0)
		return 0;
	for (size_t i = 0; i < description.upper_count; i++)
		id_map_to_host(&description.map, description.upper[i].uid, &host, &err);
	if (id_map_format(&description.map, text, sizeof(text)) < 0)
		__builtin_trap();
	description_free(&description);
	return 0;
}
