/*
 * Named steps, and making them fail on purpose.
 *
 * step_begin() names the step that errors of the following code belong to. In builds with WARDEN_FAULTS it fails with
 * the errno that the CREATE message asks for in TAG_FAULT, so that a test can drive the undo of every step.
 */
#ifndef WARDEN_FAULT_H
#define WARDEN_FAULT_H

#include "lib/error.h"

#ifdef WARDEN_FAULTS
/* The step that is to fail in this process and in those it clones. */
void fault_set(const char *step, int number);
/* The step that is to fail, or NULL. */
const char *fault_get(int *ret_number);
int step_begin(const char *step, struct error *err);
#else
static inline int step_begin(const char *step, struct error *err)
{
	err->step = step;
	return 0;
}
#endif

#endif
