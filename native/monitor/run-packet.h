/* From SPAWN and SHELL to the RUN packet for wshd, with its descriptors. */
#ifndef WARDEN_MONITOR_RUN_PACKET_H
#define WARDEN_MONITOR_RUN_PACKET_H

#include "monitor/monitor.h"

#define RUN_PACKET_MAX (160u << 10)   /* wshd takes 192 KiB, the socket's buffer a little more */

/* Copies what wshd needs from the body of SPAWN. */
int run_packet_from_spawn(struct job *job, const struct frame *frame, struct error *err);
/* The user's own values first, then what the request says. */
int run_packet_from_shell(struct job *job, const struct frame *frame, struct error *err);
/* Standard input: a sealed file that holds the script, or /dev/null when there is none (NULL). */
int run_packet_add_input(struct job *job, const struct wire_attribute *script, struct error *err);

#endif
