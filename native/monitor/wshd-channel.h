/* What wshd tells: RUNNING, FAILED, EXITED, EMPTY; and signals to it. */
#ifndef WARDEN_MONITOR_WSHD_CHANNEL_H
#define WARDEN_MONITOR_WSHD_CHANNEL_H

#include "monitor/monitor.h"

int wshd_channel_init(struct monitor *monitor, struct error *err);
/* Takes every packet that is there; before PID 1's death is believed, because what it said last counts. */
void wshd_channel_drain(struct monitor *monitor);
int wshd_channel_signal_all(struct monitor *monitor, uint32_t signal, struct error *err);

#endif
