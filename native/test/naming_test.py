"""NAME: what a container made in advance is called from now on."""
import errno
import fcntl
import os
import select
import signal
import termios

from container import Container, Tap, TestWorld, wait_until

tap = Tap()
world = TestWorld()


def name(handle, hostname=None, *files):
    """Attributes of NAME, with /etc/hosts unless other files are given."""
    files = files or (("/etc/hosts", f"127.0.0.1 localhost\n10.0.0.2 {handle}\n"),)
    return [("HANDLE", handle), ("HOSTNAME", hostname or handle), *[("UPPER_FILE", [("PATH", path), ("CONTENT", content)]) for path, content in files]]


def title(container):
    with open(f"/proc/{container.init()}/cmdline", "rb") as file:
        return file.read()


def state(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        return file.read().rpartition(") ")[2][0]


def ask_without_answer(container, connection, handle, *files):
    """Sends NAME; the monitor has dealt with it when this returns. True: there is no answer yet."""
    connection.send("NAME", *name(handle, handle, *files))
    unread = bytearray(4)

    def is_read():
        fcntl.ioctl(connection.sock, termios.TIOCOUTQ, unread)
        return not any(unread)

    tap.check(wait_until(is_read), "the monitor reads it")
    # It does one thing after the other.
    other = container.connect()
    other.ask("LIST")
    other.close()
    return not select.select([connection.sock], [], [], 0)[0]


def seen(container):
    out, err, end = container.run("hostname; cat /etc/hosts; tr '\\0' '\\n' < /proc/1/cmdline")
    return out.decode() if end.kind == "EXIT" else repr((out, err, end))


def test_names():
    container = Container(world, 1)
    connection = container.connect()
    before = title(container)
    for handle, hostname in (("0123456789abcdef", None), ("x", None), ("a handle / of a client's own: ü" + "x" * 200, "host-name"), ("last", "h" * 64)):
        reply = connection.ask("NAME", *name(handle, hostname))
        tap.check(reply.kind == "OK", f"it is called {handle[:20]}", reply)
        expected = f"{hostname or handle}\n127.0.0.1 localhost\n10.0.0.2 {handle}\nwshd: {handle}\n"
        tap.check(seen(container) == expected, "and shows it by host name, files and the title of PID 1", seen(container))
        tap.check(title(container) == f"wshd: {handle}\0".encode(), "to the host, too", title(container), before)
    connection.close()
    tap.check(container.destroy()[0], "destroyed")


def test_refusals():
    container = Container(world, 2)
    connection = container.connect()
    tap.check(connection.ask("NAME", *name("first")).kind == "OK", "a name")
    outside = os.path.join(world.base, "outside")
    with open(outside, "w", encoding="ascii") as file:
        file.write("theirs")
    container.run(f"ln -s /etc/passwd /etc/link; mkfifo /etc/fifo; ln -s {outside} /etc/out", privileged=True)
    for what, pairs, number in (
            ("without a host name", [("HANDLE", "x")], errno.EINVAL),
            ("with a host name that is too long", name("x", "h" * 65), None),
            ("with a handle that is too long", name("x" * 300, "x"), None),
            ("with files that are too large", name("x", "x", ("/etc/hosts", "x" * 5000)), errno.E2BIG),
            ("with a file that is not there", name("x", "x", ("/etc/none", "")), errno.ENOENT),
            ("with a link to another file", name("x", "x", ("/etc/link", "")), errno.ELOOP),
            ("with a link that leads out", name("x", "x", ("/etc/out", "")), errno.ELOOP),
            ("with a FIFO", name("x", "x", ("/etc/fifo", "")), errno.ENXIO),
            ("with a directory", name("x", "x", ("/etc", "")), errno.EISDIR)):
        reply = connection.ask("NAME", *pairs)
        tap.check(reply.kind == "ERROR" and reply.text("STEP") == "name the container" and (number is None or reply.number("ERRNO") == number), f"refused {what}", reply)
    out, _, _ = container.run("cat /etc/passwd | wc -l; grep -c . /etc/hosts")
    tap.check(out == b"2\n2\n", "nothing was emptied", out)
    with open(outside, encoding="ascii") as file:
        tap.check(file.read() == "theirs", "nor outside")
    tap.check(connection.ask("NAME", *name("again")).kind == "OK" and "wshd: again\n" in seen(container), "the next name is taken")
    init = container.init()
    os.kill(init, signal.SIGSTOP)
    tap.check(wait_until(lambda: state(init) == "T"), "PID 1 is stopped", state(init))
    tap.check(ask_without_answer(container, connection, "x"), "a name waits for PID 1")
    os.kill(init, signal.SIGKILL)
    reply = connection.read()
    tap.check(reply.kind == "ERROR" and reply.number("ERRNO") == errno.ESRCH, "whoever waits for PID 1 hears that it has died", reply)
    reply = container.connect().ask("NAME", *name("x"))
    tap.check(reply.kind == "ERROR" and reply.number("ERRNO") == errno.ESRCH, "refused without PID 1", reply)
    tap.check(container.destroy()[0], "destroyed")


def test_impatient():
    """Whoever has given up its request gets no answer, and nobody else does in its place."""
    container = Container(world, 3)
    init = container.init()
    first, second = container.connect(), container.connect()
    os.kill(init, signal.SIGSTOP)
    tap.check(wait_until(lambda: state(init) == "T"), "PID 1 is stopped", state(init))
    tap.check(ask_without_answer(container, first, "first", ("/etc/none", "")), "a name that will be refused waits for PID 1")
    reply = second.ask("NAME", *name("busy"))
    tap.check(reply.number("ERRNO") == errno.EBUSY, "one at a time", reply)
    first.close()
    # The monitor may hear later that the first one has gone.
    while not ask_without_answer(container, second, "second"):
        reply = second.read()
        tap.check(reply.number("ERRNO") == errno.EBUSY, "one at a time still", reply)
    os.kill(init, signal.SIGCONT)
    reply = second.read()
    tap.check(reply.kind == "OK", "the failure of the one that was given up is not its answer", reply)
    tap.check(seen(container).startswith("second\n") and "wshd: second\n" in seen(container), "and it has its name then", seen(container))
    second.close()
    tap.check(container.destroy()[0], "destroyed")


def main():
    test_names()
    test_refusals()
    test_impatient()
    world.end(tap)


main()
