/* Paths of /proc and /sys that no container may see or write: Docker's lists (moby, daemon/pkg/oci/defaults.go). */
#ifndef WARDEN_MONITOR_MASK_H
#define WARDEN_MONITOR_MASK_H

#include "lib/error.h"

/* All three are the roots of attached mounts. What the kernel does not have is skipped. */
int mask_paths(int proc, int sys, int dev, struct error *err);

#endif
