/*
 * One buffer for the bytes on their way from a pipe to the spool or from the spool to a socket; nothing in it outlives one call. Only the pages that
 * were needed are ever touched, and they go back when no job runs, because there may be thousands of idle monitors.
 */
#ifndef WARDEN_MONITOR_SCRATCH_H
#define WARDEN_MONITOR_SCRATCH_H

#include <stdint.h>

#include "lib/wire.h"

extern uint8_t scratch[WIRE_OUTPUT_CHUNK];

void scratch_trim(void);

#endif
