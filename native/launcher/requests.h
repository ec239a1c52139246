/* Requests from wardend and answers to it. */
#ifndef LAUNCHER_REQUESTS_H
#define LAUNCHER_REQUESTS_H

#include "launcher/launcher.h"

/* From now on requests are served; those that came behind HELLO at once. */
int requests_start(struct launcher *launcher, int fd, struct error *err);

#endif
