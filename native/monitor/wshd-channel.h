/* What wshd tells: RUNNING, FAILED, EXITED, EMPTY; and signals to it. */
#ifndef WARDEN_MONITOR_WSHD_CHANNEL_H
#define WARDEN_MONITOR_WSHD_CHANNEL_H

#include "monitor/monitor.h"

int wshd_channel_init(struct monitor *monitor, struct error *err);
/* Takes every packet that is there; before PID 1's death is believed, because what it said last counts. */
void wshd_channel_drain(struct monitor *monitor);
/* A packet to wshd. 1: sent; 0: its socket is full, and when there is room again what waits is sent; -1: it cannot be sent. Never waits. */
int wshd_channel_send(struct monitor *monitor, const struct wire_buffer *frame, const int *fds, size_t fd_count, struct error *err);
/* To the process group of a running job; EAGAIN: wshd takes no packets now. */
int wshd_channel_signal_job(struct monitor *monitor, const struct job *job, uint32_t signal, struct error *err);
/* At once, or as soon as wshd takes packets. */
int wshd_channel_signal_all(struct monitor *monitor, uint32_t signal, struct error *err);

#endif
