#include "lib/fault.h"

#ifdef WARDEN_FAULTS
#include <stdio.h>
#include <string.h>

static char fault_step[64];
static int fault_number;

void fault_set(const char *step, int number)
{
	snprintf(fault_step, sizeof(fault_step), "%s", step);
	fault_number = number;
}

const char *fault_get(int *ret_number)
{
	*ret_number = fault_number;
	return fault_number != 0 ? fault_step : NULL;
}

int step_begin(const char *step, struct error *err)
{
	err->step = step;
	if (fault_number != 0 && strcmp(step, fault_step) == 0)
		return error_set(err, fault_number, "made to fail");
	return 0;
}
#endif
