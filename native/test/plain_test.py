"""Plain processes: the monitor, wshd and files of container_klass: Insecure, where a filter like those of container runtimes is in force, as in many CI jobs."""
import ctypes
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from container import Monitor, Tap, join, program, u64  # noqa: E402
from wire import NUMBERS, Connection, frame  # noqa: E402

UNLIMITED = 2**64 - 1
CLONE3 = 435
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
RETURN_ENOSYS, RETURN_ALLOW = 0x00050000 | 38, 0x7fff0000
tap = Tap()


class Program(ctypes.Structure):
    _fields_ = [("count", ctypes.c_ushort), ("instructions", ctypes.c_void_p)]


def without_clone3():
    """Its flags lie in memory, which a filter cannot look at: container runtimes have the C library fall back to clone."""
    code = b"".join(struct.pack("<HBBI", *each) for each in ((0x20, 0, 0, 0), (0x15, 0, 1, CLONE3), (0x06, 0, 0, RETURN_ENOSYS), (0x06, 0, 0, RETURN_ALLOW)))
    instructions = ctypes.create_string_buffer(code, len(code))
    filtering = Program(len(code) // 8, ctypes.cast(instructions, ctypes.c_void_p))
    libc = ctypes.CDLL(None)
    assert libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 and libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(filtering), 0, 0) == 0


def start(directory):
    ours, theirs = socket.socketpair()

    def prepare():
        os.dup2(theirs.fileno(), 3)
        without_clone3()

    process = subprocess.Popen([program("plain-monitor"), directory, program("wshd"), program("files"), "/nowhere/log"], env={"HOME": directory}, pass_fds=(3,), preexec_fn=prepare)
    theirs.close()
    return process, Connection(ours)


def spawn(directory, script):
    connection = Monitor(directory)
    reply = connection.ask("SPAWN", ("JOB_ID", 1), ("ARGUMENT", "/bin/sh"), ("SCRIPT", script), ("ENVIRONMENT", "PATH=/bin:/usr/bin"), ("WORKING_DIRECTORY", "/"), ("UID", os.getuid()),
                           ("GID", os.getgid()), ("PRIVILEGED", 0), ("OUTPUT_LIMIT", u64(UNLIMITED)), ("DISCARD", 0), ("FOLLOW_OUTPUT", 1))
    return connection, reply


def test_monitor(directory):
    os.makedirs(os.path.join(directory, "rootfs", "home"))
    process, server = start(directory)
    reply = server.read()
    if not tap.check(reply.kind == "OK", "a monitor starts, and its wshd", reply):
        return
    connection, reply = spawn(directory, "(setsid sleep 1000 >/dev/null 2>&1 & echo $!); echo there")
    chunks, end = connection.output()
    left, there = join(chunks, 1).decode().split()
    tap.check(there == "there" and end.number("EXIT_VALUE") == 0, "a job runs", chunks, end)
    transfer = Monitor(directory)
    reply = transfer.ask("TRANSFER", ("FILE_OPERATION", NUMBERS["FILE_STAT"]), ("UID", os.getuid()), ("GID", os.getgid()), ("WORKING_DIRECTORY", "/home"), ("PATH", "/home"))
    tap.check(reply.kind == "OK", "a file is looked at", reply)
    sleeping = os.pidfd_open(int(left))
    tap.check(Monitor(directory).ask("AWAIT_EMPTY", ("SIGNAL", signal.SIGTERM)).kind == "OK", "all end")
    tap.check(select.select([sleeping], [], [], 10)[0] != [], "also who has left its session and has no parent any more")
    tap.check(Monitor(directory).ask("DESTROY").kind == "OK" and process.wait(10) == 0, "a destroy ends the monitor")


def test_first_process():
    """No wshd of a container can be brought to leave its jobs without a filter, and with its own identity."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def prepare():
        os.dup2(theirs.fileno(), 3)
        os.dup2(os.open("/dev/null", os.O_RDWR), 4)

    process = subprocess.Popen(["unshare", "--pid", "--fork", program("wshd")], pass_fds=(3, 4), preexec_fn=prepare)
    theirs.close()
    ours.settimeout(10)
    ours.send(frame("CONFIGURE", ("PLAIN", 1))[4:])
    packet = ours.recv(4096)
    tap.check(struct.unpack_from("<H", packet)[0] == NUMBERS["WIRE_FAILED"] and b"PID 1" in packet, "PID 1 of a container does not become a parent of plain processes", packet)
    ours.close()
    process.wait(10)


def main():
    directory = tempfile.mkdtemp(prefix="plain-monitor-")
    try:
        test_monitor(directory)
        test_first_process()
    finally:
        shutil.rmtree(directory)
    tap.end()


main()
