"""Transfers: the program `files` in the container, with its client's connection. Root; in a network namespace of its own."""
import errno
import fcntl
import hashlib
import os
import random
import re
import select
import signal
import struct
import sys
import termios

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from container import NUMBERS, VCAP, Container, Tap, TestWorld, attribute, status_field, u64, wait_until  # noqa: E402
from wire import attributes  # noqa: E402

STAT = NUMBERS["FILE_STAT"]
NO_FOLLOW = NUMBERS["TRANSFER_FLAG_NO_FOLLOW"]


def begin(container, operation, *more, uid=VCAP, privileged=False, user=None, connection=None):
    connection = connection or container.connect()
    who = [("USER_NAME", user)] if user else [("UID", uid), ("GID", uid)]
    connection.send("TRANSFER", ("FILE_OPERATION", operation), *who, ("PRIVILEGED", int(privileged)), ("WORKING_DIRECTORY", "/home/vcap"), *more)
    return connection


def ask(container, operation, *more, **options):
    connection = begin(container, operation, *more, **options)
    try:
        return connection.read()
    finally:
        connection.close()


def programs(container):
    """Transfers of a container, as the host knows them."""
    found = []
    for task in os.listdir(f"/proc/{container.pid}/task"):
        with open(f"/proc/{container.pid}/task/{task}/children", encoding="ascii") as children:
            found += [int(pid) for pid in children.read().split() if int(pid) != container.init_pid]
    return found


def failure(reply):
    return reply.kind, reply.number("ERRNO") if reply.kind == "ERROR" else None


def check_answers(tap, container):
    reply = ask(container, STAT, ("PATH", "/etc/hosts"))
    tap.check(reply.kind == "OK", "a transfer is answered by the program", reply)
    tap.check(failure(ask(container, STAT, ("PATH", "/etc/nothing"))) == ("ERROR", errno.ENOENT), "what is not there is ENOENT")
    tap.check(ask(container, STAT, ("PATH", ".")).kind == "OK", "relative paths begin at home")
    tap.check(ask(container, STAT, ("PATH", "../../../../../etc/hosts")).kind == "OK" and
              failure(ask(container, STAT, ("PATH", "/../../../../" + container.directory))) == ("ERROR", errno.ENOENT), "and end at the root")
    container.run("ln -s /proc/1/root/etc link; ln -s /etc/hosts hosts; mkfifo fifo; mkdir closed; chmod 0 closed")
    tap.check(failure(ask(container, STAT, ("PATH", "/proc/1/root"))) in [("ERROR", errno.EACCES), ("ERROR", errno.ELOOP)], "links of /proc lead nowhere")
    tap.check(failure(ask(container, STAT, ("PATH", "/proc/1/root/etc"), uid=0, privileged=True))[0] == "ERROR", "for root neither")
    tap.check(failure(ask(container, STAT, ("PATH", "closed/x"))) == ("ERROR", errno.EACCES), "a user has the rights of that user")
    tap.check(failure(ask(container, STAT, ("PATH", "closed/x"), uid=0, privileged=True)) == ("ERROR", errno.ENOENT), "root those of root")
    tap.check(failure(ask(container, STAT, ("PATH", "/root"), user="vcap"))[0] == "OK", "a user by name is looked up in the container")
    tap.check(failure(ask(container, STAT, ("PATH", "/root"), user="nobody-of-that-name")) == ("ERROR", errno.ENOENT), "one who is not there is ENOENT")
    tap.check(failure(ask(container, STAT, ("PATH", "/root"), user="root")) == ("ERROR", errno.EPERM), "root by name needs the privilege")
    tap.check(failure(ask(container, 99, ("PATH", "/"))) == ("ERROR", errno.EBADMSG), "an operation that is none is EBADMSG")
    tap.check(failure(ask(container, STAT)) == ("ERROR", errno.EINVAL) and failure(ask(container, STAT, ("PATH", "a" * 5000))) == ("ERROR", errno.ENAMETOOLONG),
              "a path is needed, and not too long a one")
    tap.check(failure(ask(container, STAT, ("PATH", "/"), ("CONTENT", b"x" * (49 << 10)))) == ("ERROR", errno.E2BIG), "a request has a limit")


def check_processes(tap, container):
    processes = NUMBERS["FILE_PROCESSES"]
    connection = begin(container, processes, ("PATH", "/proc"))
    first, last = connection.read(), connection.read()
    connection.close()
    init = dict(attributes(first.get("PROCESS", b"")))
    tap.check((first.kind, last.kind) == ("OK", "CONTENT_END") and init.get("PID") == struct.pack("<I", 1) and init.get("UID") == struct.pack("<I", 0) and
              init.get("COMMAND_LINE", b"").startswith(b"wshd: ") and last["LENGTH"] == u64(1), "processes are listed, as the container numbers them", (first, last))
    tap.check(failure(ask(container, processes, ("PATH", "/etc"))) == ("ERROR", errno.EOPNOTSUPP), "of a proc file system alone")
    tap.check(failure(ask(container, processes, ("PATH", "/proc/nothing"))) == ("ERROR", errno.ENOENT), "which has to be there")
    connection = begin(container, processes, ("PATH", "/proc"), ("ENTRY_LIMIT", u64(0)))
    first, last = connection.read(), connection.read()
    connection.close()
    tap.check((first.kind, last.kind) == ("OK", "CONTENT_END") and "PROCESS" not in first and last["LENGTH"] == last["ENTRY_LIMIT"] == u64(0), "and no more than is wanted", (first, last))


def check_identity(tap, container):
    """A write that waits for content holds the program still."""
    connection = begin(container, NUMBERS["FILE_WRITE"], ("PATH", "held"), ("TRANSFER_FLAGS", NUMBERS["TRANSFER_FLAG_CREATE"]))
    reply = connection.read()
    wait_until(lambda: len(programs(container)) == 1)
    found = programs(container)
    tap.check(reply.kind == "OK" and len(found) == 1, "one program for one transfer", (reply, found))
    with open(f"/proc/{found[0]}/status", encoding="ascii") as file:
        status = file.read()
    tap.check(status_field(status, "Uid").split() == [str(container.base + VCAP)] * 4 and re.search(r"^Groups:[ \t]*$", status, re.MULTILINE), "it has the user's ids", status)
    tap.check(all(int(status_field(status, name), 16) == 0 for name in ("CapEff", "CapPrm", "CapInh")) and status_field(status, "NoNewPrivs") == "1" and
              status_field(status, "Seccomp") == "2", "and no rights", status)
    for name in ("user", "mnt", "net", "ipc", "uts", "cgroup"):
        tap.check(os.readlink(f"/proc/{found[0]}/ns/{name}") == os.readlink(f"/proc/{container.init_pid}/ns/{name}"), f"it is in the container's {name} namespace")
    tap.check(os.stat(f"/proc/{found[0]}/ns/pid").st_ino != os.stat(f"/proc/{container.init_pid}/ns/pid").st_ino, "but nobody in the container sees it")
    ours = sorted(line.split(":", 1)[1] for line in open(f"/proc/{container.init_pid}/cgroup", encoding="ascii"))
    theirs = sorted(line.split(":", 1)[1] for line in open(f"/proc/{found[0]}/cgroup", encoding="ascii"))
    tap.check(ours == theirs, "it is in the container's cgroups", (ours, theirs))
    links = [os.readlink(f"/proc/{found[0]}/fd/{fd}") for fd in os.listdir(f"/proc/{found[0]}/fd")]
    outside = [link for link in links if not link.startswith(("socket:", "/dev/null")) and link not in ("/", "/home/vcap/held", "/home/vcap")]
    tap.check(not outside, "it holds nothing of the host's", links)
    return connection, found[0]


def content(data, kind="WIRE_CONTENT", reserved=0):
    return struct.pack("<IHH", len(data), NUMBERS[kind], reserved) + data


def write(container, *pieces):
    """What WRITE says to these bytes behind its request, which are sent one after the other, each when the one before has been taken."""
    connection = begin(container, NUMBERS["FILE_WRITE"], ("PATH", "written"), ("TRANSFER_FLAGS", NUMBERS["TRANSFER_FLAG_CREATE"] | NUMBERS["TRANSFER_FLAG_TRUNCATE"]))
    try:
        connection.read()
        for piece in pieces:
            connection.sock.sendall(piece)
            wait_until(lambda: fcntl.ioctl(connection.sock, termios.TIOCOUTQ, b"0000") == bytes(4))
        return connection.read()
    finally:
        connection.close()


def check_content(tap, container):
    """Frames of content, cut in whatever way."""
    whole = random.Random(1).randbytes(3_000_000)
    frames, at = b"", 0
    for size in (1, 0, 7, 1 << 20, 256 << 10, (256 << 10) - 8, 12345, 8):
        frames += content(whole[at:at + size])
        at += size
    frames += content(b"", "WIRE_CONTENT_END")
    cuts = [0, 3, 8, 9, 10, 20, 24, 31, 33, 40, 1 << 18, (1 << 18) + 5, 1 << 20, (1 << 20) + 40, len(frames) - 5, len(frames)]
    reply = write(container, *(frames[begin:end] for begin, end in zip(cuts, cuts[1:])))
    tap.check(reply.kind == "OK" and reply.get("LENGTH") == u64(at), "content is taken however it is cut", reply)
    tap.check(container.run("sha256sum < written")[0][:64].decode() == hashlib.sha256(whole[:at]).hexdigest(), "and is what was sent")
    tap.check(failure(write(container, content(b"x") + struct.pack("<IHH", (1 << 20) + 1, NUMBERS["WIRE_CONTENT"], 0))) == ("ERROR", errno.EMSGSIZE), "a frame has a limit")
    tap.check(failure(write(container, content(b"x"), content(b"", "WIRE_CONTENT", 1))) == ("ERROR", errno.EBADMSG), "the reserved bytes are zero")
    tap.check(failure(write(container, content(b"x"), content(b"", "WIRE_INPUT"))) == ("ERROR", errno.EBADMSG), "nothing but content may come")
    tap.check(failure(write(container, content(b""), content(b"y", "WIRE_CONTENT_END"))) == ("OK", None), "the end may say something")


def check_ends(tap, world, container):
    connection, pid = check_identity(tap, container)
    pidfd = os.pidfd_open(pid)
    connection.close()
    tap.check(bool(select.select([pidfd], [], [], 3)[0]) and wait_until(lambda: not programs(container)), "a client that goes ends it, and it is reaped")
    os.close(pidfd)
    held = [begin(container, NUMBERS["FILE_WRITE"], ("PATH", f"held{i}"), ("TRANSFER_FLAGS", NUMBERS["TRANSFER_FLAG_CREATE"])) for i in range(64)]
    tap.check(all(connection.read().kind == "OK" for connection in held), "64 transfers at once")
    tap.check(failure(ask(container, STAT, ("PATH", "/"))) == ("ERROR", errno.EAGAIN), "and no more")
    tap.check(container.run("echo still here")[0] == b"still here\n", "the monitor serves others meanwhile")
    stopped = programs(container)[0]
    os.kill(stopped, signal.SIGSTOP)
    pidfd = os.pidfd_open(stopped)
    for connection in held:
        connection.close()
    tap.check(wait_until(lambda: len(programs(container)) == 1), "63 end with their clients")
    tap.check(bool(select.select([pidfd], [], [], 10)[0]), "the one that cannot is killed")
    os.close(pidfd)
    behind = container.connect()
    behind.sock.sendall(b"".join([frame_of(container, STAT), frame_of(container, STAT)]))
    tap.check(failure(behind.read()) == ("ERROR", errno.EBADMSG), "nothing may be sent behind the request")
    behind.close()


def frame_of(container, operation):
    body = b"".join(attribute(tag, value) for tag, value in [("FILE_OPERATION", operation), ("UID", VCAP), ("GID", VCAP), ("PATH", "/")])
    return struct.pack("<IHH", len(body), NUMBERS["WIRE_TRANSFER"], 0) + body


def check_destroy(tap, world):
    container = Container(world, 2)
    container.init_pid = container.init()
    connection = begin(container, NUMBERS["FILE_WRITE"], ("PATH", "held"), ("TRANSFER_FLAGS", NUMBERS["TRANSFER_FLAG_CREATE"]))
    connection.read()
    pidfd = os.pidfd_open(programs(container)[0])
    os.kill(programs(container)[0], signal.SIGSTOP)
    tap.check(container.destroy()[0] and bool(select.select([pidfd], [], [], 5)[0]), "a container can be destroyed meanwhile")
    connection.close()
    container = Container(world, 3)
    container.init_pid = container.init()
    connection = begin(container, NUMBERS["FILE_WRITE"], ("PATH", "held"), ("TRANSFER_FLAGS", NUMBERS["TRANSFER_FLAG_CREATE"]))
    connection.read()
    program = os.pidfd_open(programs(container)[0])
    os.kill(container.init_pid, signal.SIGKILL)
    tap.check(bool(select.select([program], [], [], 5)[0]), "it ends with the container's first process")
    tap.check(failure(ask(container, STAT, ("PATH", "/"))) == ("ERROR", errno.ESRCH), "without which there are no transfers")
    container.destroy()
    connection.close()
    container = Container(world, 4)
    container.init_pid = container.init()
    connection = begin(container, NUMBERS["FILE_WRITE"], ("PATH", "held"), ("TRANSFER_FLAGS", NUMBERS["TRANSFER_FLAG_CREATE"]))
    connection.read()
    program = os.pidfd_open(programs(container)[0])
    os.kill(container.pid, signal.SIGKILL)
    tap.check(bool(select.select([program], [], [], 5)[0]), "and with the monitor")
    select.select([container.init_pidfd], [], [], 5)
    connection.close()
    container.close()
    for _, path in world.groups.parents:
        for folder, _, _ in os.walk(os.path.join(path, "lt4"), topdown=False):
            os.rmdir(folder)


def main():
    tap = Tap()
    world = TestWorld()
    container = Container(world, 1)
    container.init_pid = container.init()
    check_answers(tap, container)
    check_processes(tap, container)
    check_content(tap, container)
    check_ends(tap, world, container)
    tap.check(container.destroy()[0], "the container is destroyed")
    check_destroy(tap, world)
    world.end(tap)


main()
