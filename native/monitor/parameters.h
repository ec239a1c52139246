/* What requests to the monitor carry, as data; what is wshd's in SPAWN and SHELL is read in run-packet.c. */
#ifndef WARDEN_MONITOR_PARAMETERS_H
#define WARDEN_MONITOR_PARAMETERS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/codec.h"
#include "lib/stream.h"

struct parameters {
	uint32_t job_id;
	bool has_job_id;
	uint32_t signal;
	uint64_t position;
	uint64_t output_limit;
	uint32_t discard;
	uint32_t follow;
	uint32_t no_wait;
	uint32_t terminal;
	uint32_t open_input;
	uint32_t close_input;
	uint32_t if_empty;
	uint32_t tell_dead;
	uint32_t rows;
	uint32_t columns;
	uint64_t output_up_to;
	uint32_t only_stream;
	bool has_forget;
	uint64_t forget_up_to;
	bool has_timeout;
	uint64_t timeout_ms;
	bool has_script;
	struct wire_attribute script;    /* these lie in the frame */
	bool has_content;
	struct wire_attribute content;
	bool has_command;
	struct wire_attribute command;
};

/* -1: malformed. */
int parameters_read(const struct frame *frame, struct parameters *ret_parameters, struct error *err);

#endif
