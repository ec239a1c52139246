#include "wsh/terminal.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

int terminal_enter_raw(struct terminal *terminal, struct error *err)
{
	struct termios raw;

	terminal->raw = false;
	if (!isatty(STDIN_FILENO))
		return 0;
	if (tcgetattr(STDIN_FILENO, &terminal->before) < 0)
		return error_set(err, errno, "read the terminal's settings");
	raw = terminal->before;
	cfmakeraw(&raw);
	if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) < 0)
		return error_set(err, errno, "make the terminal raw");
	terminal->raw = true;
	return 0;
}

void terminal_restore(struct terminal *terminal)
{
	if (terminal->raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal->before);
	terminal->raw = false;
}

void terminal_size(uint32_t *ret_rows, uint32_t *ret_columns)
{
	struct winsize size;

	*ret_rows = 24;
	*ret_columns = 80;
	if ((ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) && size.ws_row != 0 && size.ws_col != 0) {
		*ret_rows = size.ws_row;
		*ret_columns = size.ws_col;
	}
}
