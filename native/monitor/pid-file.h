/* "PID STARTTIME\n": who a pid belongs to, even when the number has been given out again. */
#ifndef WARDEN_MONITOR_PID_FILE_H
#define WARDEN_MONITOR_PID_FILE_H

#include "lib/error.h"

/* The calling process's own; STARTTIME is field 22 of /proc/PID/stat, in clock ticks since the boot. */
int pid_file_write(int directory, const char *name, struct error *err);

#endif
