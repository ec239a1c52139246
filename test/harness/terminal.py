"""A terminal for tests: runs argv[1:] on one, with what standard input says: `type HEX`, `size ROWS COLUMNS`. The program's output is ours.
At the end the settings of the terminal are told on standard error, and the exit status is the program's, or 128 and its signal."""
import fcntl
import os
import pty
import select
import struct
import sys
import termios

ICANON_AND_ECHO = termios.ICANON | termios.ECHO


def resize(rows, columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


pid, terminal = pty.fork()
if pid == 0:
    os.read(0, 1)  # the size is there
    os.execvp(sys.argv[1], sys.argv[1:])
resize(24, 80)
os.write(terminal, b"\n")
commands = b""
sources = [0, terminal]
ended = os.pidfd_open(pid)
while True:
    ready = select.select([*sources, ended], [], [])[0]
    if terminal in ready:
        try:
            os.write(1, os.read(terminal, 65536))
        except OSError:  # EIO: nobody has the other end any more
            sources.remove(terminal)
        continue
    if ended in ready:
        break
    if 0 in ready:
        piece = os.read(0, 65536)
        if not piece:
            sources.remove(0)
        *lines, commands = (commands + piece).split(b"\n")
        for line in lines:
            name, *values = line.decode().split()
            if name == "type":
                os.write(terminal, bytes.fromhex(values[0]))
            else:
                resize(*map(int, values))
# Of the other end, which the two share.
settings = termios.tcgetattr(terminal)[3]
print("sane" if settings & ICANON_AND_ECHO == ICANON_AND_ECHO else "raw", file=sys.stderr, flush=True)
status = os.waitpid(pid, 0)[1]
sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
