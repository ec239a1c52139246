#include "lib/capability.h"

#include <errno.h>
#include <sys/prctl.h>

int capability_drop_bounding(uint64_t dropped, struct error *err)
{
	for (int number = 0; number < 64; number++) {
		if (!(dropped & CAPABILITY(number)))
			continue;
		if (prctl(PR_CAPBSET_DROP, number, 0, 0, 0) == 0)
			continue;
		if (errno == EINVAL)
			return 0;   /* beyond the kernel's last one */
		return error_set(err, errno, "PR_CAPBSET_DROP %d", number);
	}
	return 0;
}
