"""Containers made by the real launcher, and connections to their monitors. Root; in a network namespace of its own."""
import atexit
import os
import re
import select
import shutil
import signal
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "launcher", "test"))

import launcher_driver as driver  # noqa: E402
from launcher_driver import Launcher, Tap, World, run  # noqa: E402,F401
from wire import NUMBERS, Connection, attribute  # noqa: E402,F401

GROUP = f"warden-monitor-test-{os.getpid()}"
FIRST_ID = 0x6000000
VCAP = 1000
UNLIMITED = 2**64 - 1
CAPABILITIES = 0x5eb   # CHOWN DAC_OVERRIDE FOWNER KILL SETGID SETUID SETPCAP NET_BIND_SERVICE of security.md's list


def u64(value):
    return struct.pack("<Q", value)


def program(name, variant=None):
    return os.path.join(driver.NATIVE, "build", variant or os.environ.get("MONITOR_VARIANT", "release"), name)


def make_image(path):
    for name in ("usr", "etc", "proc", "sys", "dev", "tmp", "root", "home", "run"):
        os.makedirs(os.path.join(path, name))
    os.chmod(path, 0o755)
    os.chmod(os.path.join(path, "tmp"), 0o1777)
    for name in ("bin", "sbin", "lib", "lib64"):
        os.symlink("usr/" + name, os.path.join(path, name))
    for name, line in (("passwd", "root:x:0:0::/root:/bin/bash\nvcap:x:7:7::/:/bin/false\n"), ("group", "root:x:0:\n")):
        with open(os.path.join(path, "etc", name), "w", encoding="ascii") as out:
            out.write(line)
    return path


class Groups:
    """Parents of ours in every cgroup hierarchy."""

    def __init__(self):
        self.parents = []
        with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
            lines = [line.split() for line in mounts]
        for fields in lines:
            kind, options = fields[fields.index("-") + 1], fields[-1].split(",")
            if kind == "cgroup2" or (kind == "cgroup" and not any(option.startswith("name=") for option in options)):
                self.parents.append((2 if kind == "cgroup2" else 1, os.path.join(fields[4], GROUP)))
        for _, path in self.parents:
            os.makedirs(path, exist_ok=True)
            for name in ("cpuset.cpus", "cpuset.mems"):
                if os.path.exists(os.path.join(path, name)):
                    self.write(path, name, open(os.path.join(os.path.dirname(path), name), encoding="ascii").read())
            if os.path.exists(os.path.join(path, "cgroup.clone_children")):
                self.write(path, "cgroup.clone_children", "1")

    @staticmethod
    def write(path, name, text):
        with open(os.path.join(path, name), "w", encoding="ascii") as out:
            out.write(text)

    def describe(self, identity, only=None):
        def files(path):
            return [("USAGE_FILE", name) for name in ("pids.current", "memory.stat", "memory.not-there") if name.split(".")[0] in path]

        return [("CGROUP", [("PATH", os.path.join(path, identity)), ("VERSION", version), *files(path)]) for version, path in self.parents if only in (None, version)]

    def left(self):
        return [os.path.join(path, name) for _, path in self.parents for name in os.listdir(path) if os.path.isdir(os.path.join(path, name))]

    def remove(self):
        for _, path in self.parents:
            os.rmdir(path)


class Monitor(Connection):
    """A connection to run/monitor.sock."""

    def __init__(self, directory):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        folder = os.open(os.path.join(directory, "run"), os.O_PATH)
        sock.connect(f"/proc/self/fd/{folder}/monitor.sock")
        os.close(folder)
        super().__init__(sock)

    def ask(self, kind, *pairs):
        self.send(kind, *pairs)
        return self.read()

    def output(self):
        """Frames up to EXIT: ([(position, stream, bytes)…], EXIT)."""
        chunks = []
        while (reply := self.read()).kind == "OUTPUT":
            position, stream = struct.unpack_from("<QI", reply.body)
            chunks.append((position, stream, reply.body[12:]))
        return chunks, reply


def join(chunks, stream=None):
    return b"".join(data for _, which, data in chunks if stream in (None, which))


class Container:
    def __init__(self, world, number, *more, lower=None, ping=True, cgroups=None):
        self.world, self.number = world, number
        self.directory = os.path.join(world.depot, f"lt{number}")
        self.base = FIRST_ID + number * 65536
        self.next_job = 0
        pairs = [pair for pair in world.launcher.description(number, f"host{number}") if pair[0] not in ("LOWER", "ELEMENT")]
        self.reply = world.launcher.ask(
            "CREATE", *pairs, ("LOWER", lower or world.image), ("MOUNT", [("SOURCE", "/usr"), ("DESTINATION", "/usr"), ("FLAGS", 1)]),
            ("ID_MAP", [("INSIDE", 0), ("OUTSIDE", self.base), ("COUNT", VCAP)]),
            ("ID_MAP", [("INSIDE", VCAP), ("OUTSIDE", self.base + VCAP), ("COUNT", 65536 - VCAP)]),
            ("UPPER_DIRECTORY", [("PATH", "/home/vcap"), ("MODE", 0o755), ("UID", VCAP), ("GID", VCAP)]),
            ("UPPER_FILE", [("PATH", "/etc/hosts"), ("MODE", 0o644), ("UID", 0), ("GID", 0), ("CONTENT", "127.0.0.1 localhost\n")]),
            ("ACCOUNT_FILE", [("PATH", "/etc/passwd"), ("NAME", "vcap"), ("LINE", f"vcap:x:{VCAP}:{VCAP}::/home/vcap:/bin/bash")]),
            ("USER", [("NAME", "vcap"), ("UID", VCAP), ("GID", VCAP), ("WORKING_DIRECTORY", "/home/vcap"), ("ENVIRONMENT", "PATH=/bin:/usr/bin")]),
            *([("PING_GROUPS", "0 65535")] if ping else []), ("PRIVILEGED_CAPABILITIES", u64(CAPABILITIES)),
            *world.groups.describe(f"lt{number}", cgroups), *more)
        self.pid = self.reply.number("PID") if self.reply.kind == "OK" else None
        self.pidfd = os.pidfd_open(self.pid) if self.pid else None
        self.init_pidfd = os.pidfd_open(self.init()) if self.pid else None
        self.ended = False
        world.containers.append(self)

    def connect(self):
        return Monitor(self.directory)

    def spawn(self, script=None, *more, privileged=False, follow=True, limit=UNLIMITED, discard=False, connection=None, arguments=("/bin/bash",)):
        """(connection, job id, reply to SPAWN)"""
        self.next_job += 1
        connection = connection or self.connect()
        uid, home = (0, "/root") if privileged else (VCAP, "/home/vcap")
        reply = connection.ask(
            "SPAWN", ("JOB_ID", self.next_job), *[("ARGUMENT", argument) for argument in arguments], *([("SCRIPT", script)] if script is not None else []),
            ("ENVIRONMENT", "PATH=/usr/bin:/bin"), ("WORKING_DIRECTORY", home), ("UID", uid), ("GID", uid), ("PRIVILEGED", int(privileged)),
            ("OUTPUT_LIMIT", u64(limit)), ("DISCARD", int(discard)), ("FOLLOW_OUTPUT", int(follow)), *more)
        return connection, self.next_job, reply

    def run(self, script, *more, **options):
        """(stdout, stderr, EXIT), and the job is forgotten."""
        connection, job, reply = self.spawn(script, *more, **options)
        if reply.kind != "OK":
            connection.close()
            return b"", b"", reply
        chunks, end = connection.output()
        connection.ask("FORGET", ("JOB_ID", job))
        connection.close()
        return join(chunks, 1), join(chunks, 2), end

    def init(self):
        """PID 1, as the host knows it."""
        return driver.children(self.pid)[0]

    def close(self):
        self.ended = True
        os.close(self.pidfd)
        os.close(self.init_pidfd)

    def destroy(self):
        connection = self.connect()
        reply = connection.ask("DESTROY")
        connection.close()
        ended = bool(select.select([self.pidfd], [], [], 10)[0])
        self.close()
        return reply.kind == "OK" and ended, reply


class TestWorld(World):
    def __init__(self):
        driver.enter_namespaces()
        super().__init__()
        os.chmod(self.base, 0o755)
        self.containers = []
        atexit.register(self.abandon)
        self.image = make_image(os.path.join(self.base, "test-image"))
        self.groups = Groups()
        self.launcher = Launcher(self, monitor=program("monitor"))
        reply = self.launcher.hello(WSHD_PROGRAM=program("wshd"), FILES_PROGRAM=program("files"), SECCOMP_PROGRAM=program("seccomp.bpf", "release"))
        assert reply.kind == "OK", reply

    def processes(self):
        """Of any container of ours, wherever they are; another run of these tests has the same ids, in a group of its own."""
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                owner = os.stat(f"/proc/{name}").st_uid
                state, parent = open(f"/proc/{name}/stat", encoding="utf-8").read().rpartition(") ")[2].split()[:2]
                groups = open(f"/proc/{name}/cgroup", encoding="utf-8").read()
            except (FileNotFoundError, ProcessLookupError):
                continue
            # An orphan that is dead waits for the machine's init; that is not ours to do.
            if FIRST_ID <= owner < FIRST_ID + 0x1000000 and GROUP + "/" in groups and not (state == "Z" and parent == "1"):
                found.append(int(name))
        return found

    def abandon(self):
        """After a test that broke off: nothing of it may trouble the next one."""
        for container in self.containers:
            if container.pid and container.ended is False:
                os.kill(container.pid, signal.SIGKILL)
                select.select([container.init_pidfd], [], [], 10)
        for _, path in self.groups.parents:
            for folder, _, _ in os.walk(path, topdown=False):
                os.rmdir(folder)
        shutil.rmtree(self.base, ignore_errors=True)

    def end(self, tap):
        atexit.unregister(self.abandon)
        tap.check(self.launcher.close()[0] == 0, "the launcher ends well")
        tap.check(driver.await_no_links() == [], "no link is left")
        tap.check(not self.groups.left(), "no cgroup is left", self.groups.left())
        tap.check(not self.processes(), "no process is left", self.processes())
        left = driver.new_mounts(self.mounts)
        tap.check(not left, "no mount is left", left)
        self.groups.remove()
        self.remove()
        tap.end()


def wait_until(holds, seconds=20):
    """For what no event tells of."""
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        select.select([], [], [], 0.02)
    return holds()


def cpu_seconds(pid):
    fields = open(f"/proc/{pid}/stat", encoding="ascii").read().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def status_field(text, name):
    found = re.search(rf"^{name}:\s*(.*)$", text, re.MULTILINE)
    return found.group(1) if found else None
