/* Answers to a transfer's client. */
#ifndef WARDEN_FILES_REPLY_H
#define WARDEN_FILES_REPLY_H

#include "files/transfer.h"

/* Every byte. */
int reply_send_all(const struct transfer *transfer, const uint8_t *data, size_t size, struct error *err);
/* Ends the frame that was begun in `buffer`, sends it, and frees the buffer. */
int reply_send(const struct transfer *transfer, struct wire_buffer *buffer, struct error *err);
int reply_ok(const struct transfer *transfer, struct error *err);
void reply_error(const struct transfer *transfer, const struct error *problem);

#endif
