#ifndef WARDEN_WSH_SETUP_H
#define WARDEN_WSH_SETUP_H

#include "wsh/wshd.h"

/*
 * Receives CONFIGURE, reduces wshd's own rights and loads the filter that all jobs inherit. Steps: "start wshd", "load filter".
 * Everything after it runs under the filter.
 */
int setup_run(struct wshd *wshd, struct error *err);

#endif
