#include "monitor/scratch.h"

#include <sys/mman.h>

_Alignas(4096) uint8_t scratch[WIRE_OUTPUT_CHUNK];

void scratch_trim(void)
{
	/* The first page is used by every job that writes at all. Anonymous memory: the pages read as zero again. */
	madvise(scratch + 4096, sizeof(scratch) - 4096, MADV_DONTNEED);
}
