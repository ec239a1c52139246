/* iomux/positions.c: the file of iomux-link -w. */
#include "iomux/positions.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct positions positions;
	struct error err;

	positions_parse((const char *)data, size, &positions, &err);
	return 0;
}
