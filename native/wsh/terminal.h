/* The person's terminal: raw while a session lasts, as it was afterwards. */
#ifndef WARDEN_WSH_TERMINAL_H
#define WARDEN_WSH_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

#include "lib/error.h"

struct terminal {
	bool raw;
	struct termios before;
};

/* Standard input becomes raw; nothing happens when it is no terminal. */
int terminal_enter_raw(struct terminal *terminal, struct error *err);
void terminal_restore(struct terminal *terminal);
/* Of standard input, or of standard output, else 24 x 80. */
void terminal_size(uint32_t *ret_rows, uint32_t *ret_columns);

#endif
