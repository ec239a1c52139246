"""Jobs with a terminal: what they see, input and its end, the window's size, and that no output is lost at their end."""
import errno
import hashlib
import os
import select
import signal
import time

from container import Container, Tap, TestWorld, join, u64, wait_until

tap = Tap()
world = TestWorld()


def start(container, script, *more, rows=24, columns=80, **options):
    """(connection that follows, job id)"""
    connection, job, reply = container.spawn(None, ("TERMINAL", 1), ("ROWS", rows), ("COLUMNS", columns), *more, arguments=("/bin/bash", "-c", script), **options)
    assert reply.kind == "OK", reply
    return connection, job


def give(connection, job, content=None, close=False):
    return connection.ask("INPUT", ("JOB_ID", job), *([("CONTENT", content)] if content is not None else []), *([("CLOSE_INPUT", 1)] if close else []))


def end_of(connection, job, read=b""):
    """(output behind what was read, EXIT), and the job is forgotten."""
    chunks, end = connection.output()
    connection.ask("FORGET", ("JOB_ID", job))
    connection.close()
    assert all(stream == 1 for _, stream, _ in chunks), "everything is stdout"
    return read + join(chunks), end


def read_until(connection, text):
    """Output up to one that holds the text."""
    out = b""
    while text not in out:
        reply = connection.read()
        if reply.kind != "OUTPUT":
            raise AssertionError((out, reply))
        out += reply.body[12:]
    return out


def run(container, script, *more, **options):
    return end_of(*start(container, script, *more, **options))


def waits(connection):
    return not select.select([connection.sock], [], [], 0.2)[0]


def masters(container):
    """Terminals that the monitor holds."""
    found = []
    for number in os.listdir(f"/proc/{container.pid}/fd"):
        path = f"/proc/{container.pid}/fd/{number}"
        try:
            if "ptmx" in os.readlink(path):
                found.append(path)
        except FileNotFoundError:
            pass
    return found


def test_seen(container):
    out, end = run(container, "tty; stty size; [ -t 0 -a -t 1 -a -t 2 ] && echo all; echo error >&2; ls /proc/self/fd; stat -c %U:%a $(tty); echo x > /dev/tty", rows=30, columns=101)
    tap.check(out == b"/dev/pts/0\r\n30 101\r\nall\r\nerror\r\n0  1  2  3\r\nvcap:620\r\nx\r\n" and end.number("EXIT_VALUE") == 0, "a terminal of its size, its own and the controlling one", out, end)
    reply = container.spawn("true", ("TERMINAL", 1))[2]
    tap.check(reply.kind == "ERROR" and reply.number("ERRNO") == errno.EINVAL, "no script besides", reply)
    out, end = run(container, "exit 7")
    tap.check(out == b"" and (end.number("EXIT_KIND"), end.number("EXIT_VALUE")) == (1, 7), "how it ended", out, end)
    probe = ("import fcntl, sys, termios\n"
             "for name, number, argument in ('STI', termios.TIOCSTI, b'x'), ('LINUX', 0x541C, b'\\x06'), ('SETD', termios.TIOCSETD, b'\\0\\0\\0\\0'):\n"
             "    for high in 0, 1 << 32:\n"
             "        try: fcntl.ioctl(0, number | high, argument); print(name, 'done')\n"
             "        except (OSError, OverflowError) as problem: print(name, getattr(problem, 'errno', 1))\n")
    for privileged in (False, True):
        connection, job, reply = container.spawn(None, ("TERMINAL", 1), arguments=("/usr/bin/python3", "-c", probe), privileged=privileged)
        out, end = end_of(connection, job)
        tap.check(out.split() == b"STI 1 STI 1 LINUX 1 LINUX 1 SETD 1 SETD 1".split(), f"characters cannot be put into it (privileged: {privileged})", out, end)
    connection, job = start(container, "echo ready; read x")
    read_until(connection, b"ready")
    container.next_job += 1
    other = container.connect()
    other.ask("SPAWN", ("JOB_ID", container.next_job), ("ARGUMENT", "/bin/cat"), ("ARGUMENT", "/dev/pts/0"), ("USER_NAME", "4242"), ("OUTPUT_LIMIT", u64(1000)), ("FOLLOW_OUTPUT", 1))
    chunks, end = other.output()
    tap.check(b"Permission denied" in join(chunks), "another user cannot open it", chunks, end)
    other.ask("FORGET", ("JOB_ID", container.next_job))
    other.close()
    client = container.connect()
    give(client, job, b"\n")
    end_of(connection, job)
    client.close()


def test_input(container):
    client = container.connect()
    connection, job = start(container, "cat; echo end")
    tap.check(give(client, job, b"one\n").kind == "OK", "a line")
    out = read_until(connection, b"one\r\none\r\n")
    tap.check(give(client, job, close=True).kind == "OK", "the end of the file")
    out, end = end_of(connection, job, out)
    tap.check(out == b"one\r\none\r\nend\r\n" and end.number("EXIT_VALUE") == 0, "echo, the line, and the end", out, end)
    connection, job = start(container, "stty -echo; echo ready; cat; echo end")
    out = read_until(connection, b"ready\r\n")
    give(client, job, b"half", close=True)
    out, _ = end_of(connection, job)
    tap.check(out == b"halfend\r\n", "the end behind an unfinished line", out)
    connection, job = start(container, "stty -echo eof ^X; echo ready; cat; read line; echo got $line")
    read_until(connection, b"ready\r\n")
    give(client, job, b"a\4b\n")
    out = read_until(connection, b"a\4b\r\n")
    give(client, job, close=True)
    give(client, job, b"more\n")
    out, _ = end_of(connection, job)
    tap.check(out == b"got more\r\n", "the terminal's own end of file, after which it can be given more", out)
    connection, job = start(container, "trap 'echo int' INT; (echo ready; exec sleep 1000); echo behind")
    read_until(connection, b"ready")
    give(client, job, b"\3")
    out, end = end_of(connection, job)
    tap.check(b"^Cint\r\nbehind" in out and end.number("EXIT_VALUE") == 0, "an interrupt from the keyboard", out, end)
    connection, job = start(container, "stty raw -echo; echo ready; read x < /tmp/gate; head -c 1048576 | sha256sum; stty sane")
    read_until(connection, b"ready")
    content = os.urandom(1 << 20)
    client.send("INPUT", ("JOB_ID", job), ("CONTENT", content))
    tap.check(waits(client), "a job that does not read: the reply waits")
    container.run("echo > /tmp/gate")
    tap.check(client.read().kind == "OK", "until it does")
    out, _ = end_of(connection, job)
    tap.check(out.split()[0].decode() == hashlib.sha256(content).hexdigest(), "a mebibyte of anything, to a raw terminal", out)
    connection, job = start(container, "stty raw -echo; echo ready; sleep 1000")
    read_until(connection, b"ready")
    client.send("INPUT", ("JOB_ID", job), ("CONTENT", content))
    tap.check(waits(client), "one waits")
    container.connect().ask("KILL_JOB", ("JOB_ID", job), ("SIGNAL", 9))
    tap.check(client.read().number("ERRNO") == errno.EPIPE, "the job is killed: it is answered")
    tap.check(give(client, job, b"x").number("ERRNO") == errno.EPIPE, "an ended one takes nothing")
    end_of(connection, job)
    client.close()


def test_size(container):
    client = container.connect()
    connection, job = start(container, "trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.01; done")
    read_until(connection, b"ready\r\n")
    tap.check(client.ask("RESIZE", ("JOB_ID", job), ("ROWS", 50), ("COLUMNS", 132)).kind == "OK", "another size")
    out, _ = end_of(connection, job)
    tap.check(out == b"50 132\r\n", "the job is told", out)
    tap.check(client.ask("RESIZE", ("JOB_ID", job), ("ROWS", 1), ("COLUMNS", 1)).number("ERRNO") == errno.ENOENT, "no such job")
    connection, job = start(container, "read x")
    for rows, columns in ((0, 1), (1, 0), (65536, 1), (1, 2**32 - 1)):
        tap.check(client.ask("RESIZE", ("JOB_ID", job), ("ROWS", rows), ("COLUMNS", columns)).number("ERRNO") == errno.EINVAL, f"no terminal has {rows} rows, {columns} columns")
    give(client, job, b"\n")
    end_of(connection, job)
    client.close()


def test_output(container):
    lines = b"".join(b"%d\r\n" % i for i in range(1, 200001))
    out, _ = run(container, "seq 200000")
    tap.check(out == lines, "much output", len(out), len(lines))
    whole = []
    for size in range(1000, 61000, 1500):
        out, _ = run(container, f"stty raw; head -c {size} /dev/zero")
        whole.append(out == b"\0" * size)
    tap.check(all(whole), "nothing of it is lost when the job ends at once", whole)
    connection, job = start(container, "echo one; read x; echo two")
    read_until(connection, b"one\r\n")
    follower = container.connect()
    follower.ask("FOLLOW", ("JOB_ID", job), ("POSITION", u64(2)))
    tap.check(read_until(follower, b"\n") == b"e\r\n", "it is kept like any other's, and followed from a position")
    client = container.connect()
    give(client, job, b"\n")
    tap.check(join(connection.output()[0]) == b"\r\ntwo\r\n" and end_of(follower, job)[0] == b"\r\ntwo\r\n", "with the echo of what was typed")
    connection.close()
    client.close()
    out, end = run(container, "exec 0<&- 1>&- 2>&-; sleep 0.2; echo again > /dev/tty; sleep 0.2; echo more > /dev/tty")
    tap.check(out == b"again\r\nmore\r\n", "a job that closes it and opens it again", out, end)


def test_ends(container):
    out, end = run(container, "yes", limit=100000)
    tap.check((end.number("EXIT_KIND"), end.number("EXIT_VALUE")) == (2, 9) and len(out) == 100000, "the output limit", end, len(out))
    _, end = run(container, "sleep 1000 & sleep 1000", ("TIMEOUT_MS", u64(200)))
    tap.check(end.number("TIMED_OUT") == 1, "a time-out", end)
    connection, job = start(container, "echo ready; sleep 1000")
    read_until(connection, b"ready")
    container.connect().ask("KILL_JOB", ("JOB_ID", job), ("SIGNAL", signal.SIGTERM))
    _, end = end_of(connection, job)
    tap.check((end.number("EXIT_KIND"), end.number("EXIT_VALUE")) == (2, signal.SIGTERM), "KILL_JOB", end)
    begin = time.monotonic()
    out, _ = run(container, "sleep 1000 & echo started")
    tap.check(out == b"started\r\n" and time.monotonic() - begin < 20, "a background process does not hold the end", out)
    tap.check(container.connect().ask("AWAIT_EMPTY").kind == "OK", "and is hung up")
    out, _ = run(container, "trap '' HUP; (sleep 0.1; echo late; echo $? > /tmp/late) 2> /dev/null & echo started")
    tap.check(wait_until(lambda: container.run("cat /tmp/late")[0] != b""), "one that ignores that lives on")
    tap.check(container.run("cat /tmp/late")[0] == b"1\n", "without a terminal")
    connection, job, _ = container.spawn(None, ("TERMINAL", 1), arguments=("/usr/bin/yes",), discard=True)
    tap.check(waits(connection) and container.run("echo x")[0] == b"x\n", "endless output that is discarded holds nobody up")
    container.connect().ask("KILL_JOB", ("JOB_ID", job), ("SIGNAL", 9))
    end_of(connection, job)
    tap.check(masters(container) == [], "no terminal is left", masters(container))


def test_death(container):
    connection, _ = start(container, "echo ready; sleep 1000")
    read_until(connection, b"ready")
    os.kill(container.init(), signal.SIGKILL)
    _, end = connection.output()
    tap.check(end.number("EXIT_KIND") == 3, "PID 1 dies: the job is lost", end)
    connection.close()


def main():
    container = Container(world, 1)
    if tap.check(container.reply.kind == "OK", "a container is created", container.reply):
        container.run("mkfifo /tmp/gate")
        for test in (test_seen, test_input, test_size, test_output, test_ends):
            test(container)
        test_death(container)
        tap.check(container.destroy()[0], "it is destroyed")
    world.end(tap)


main()
