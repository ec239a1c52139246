/* The request to be told when somebody changes the firewall. */
#ifndef LAUNCHER_WATCH_REQUESTS_H
#define LAUNCHER_WATCH_REQUESTS_H

#include "launcher/launcher.h"

/* WATCH_FIREWALL {TABLE}: from now on; one EVENT at most, until the next such request. */
void watch_firewall_begin(struct launcher *launcher, uint32_t request, const void *body, size_t size);

#endif
