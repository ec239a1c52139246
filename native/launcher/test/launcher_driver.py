"""Starts a launcher as wardend does, and looks for what it leaves behind. The tests run in network and mount namespaces of their own.

LAUNCHER_VARIANT in the environment: the folder of native/build whose launcher is tested, instead of release and faults.
"""
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
import time

from wire import Connection, frame

NATIVE = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
CLONE_NEWNS, CLONE_NEWNET = 0x20000, 0x40000000
TABLE = "launcher-test"
TABLE_RULES = f"""
table inet {TABLE} {{
  set names {{ type ifname; }}
  set sources {{ typeof iifname . ether saddr . ip saddr; }}
  map marks {{ type ifname : mark; }}
  map verdicts {{ type ifname : verdict; }}
  set ranges {{ type ipv4_addr . inet_service; flags interval; }}
  set fading {{ type ipv4_addr . inet_service; flags interval, timeout; }}
}}
"""


def enter_namespaces():
    """So that neither links and tables nor mounts of others, or ours to others, appear."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS | CLONE_NEWNET) < 0:
        raise OSError(ctypes.get_errno(), "unshare")
    run("mount", "--make-rprivate", "/")
    run("ip", "link", "set", "lo", "up")
    subprocess.run(["nft", "-f", "-"], input=TABLE_RULES, text=True, check=True)


def new_mounts(before):
    """Lines of mountinfo that were not there. Some of before may have gone: of another run's mounts, when it removes what they were mounted on."""
    with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
        return sorted(set(mounts.read().splitlines()) - set(before.splitlines()))


def run(*arguments):
    return subprocess.run(arguments, capture_output=True, text=True, check=True).stdout


def inside(pid, *arguments):
    return run("nsenter", f"--net=/proc/{pid}/ns/net", *arguments)


class World:
    """A depot, an image and cgroup parents, removed at the end."""

    def __init__(self):
        self.base = tempfile.mkdtemp(prefix="launcher-test-")
        self.depot = self.make("depot")
        self.image = self.make("image")
        self.filter = os.path.join(self.base, "filter")
        with open(self.filter, "wb") as out:
            out.write(struct.pack("<HBBI", 6, 0, 0, 0x7fff0000))
        self.mounts = open("/proc/self/mountinfo", encoding="utf-8").read()

    def make(self, *names):
        path = os.path.join(self.base, *names)
        os.makedirs(path)
        return path

    def remove(self):
        shutil.rmtree(self.base)


def spawn(program, arguments=(), **options):
    """The program with one end of a socket pair as descriptor 3: (process, connection)."""
    ours, theirs = socket.socketpair()
    number = theirs.fileno()
    process = subprocess.Popen([program, *arguments], close_fds=False, preexec_fn=lambda: os.dup2(number, 3, inheritable=True), **options)
    theirs.close()
    return process, Connection(ours)


class Launcher:
    started = []

    @classmethod
    def stop_all(cls):
        """At the end, also after an exception: no launcher and no monitor stays."""
        for launcher in cls.started:
            launcher.connection.close()
            launcher.process.wait(timeout=20)
            launcher.stop_monitors()

    def __init__(self, world, variant="release", monitor=None):
        self.world = world
        self.monitor = monitor or os.path.join(NATIVE, "build", "test", "fake-monitor")
        self.program = os.path.join(NATIVE, "build", os.environ.get("LAUNCHER_VARIANT", variant), "launcher")
        self.request = 0
        self.replies = {}
        self.monitors = []
        self.process, self.connection = spawn(self.program, stderr=subprocess.PIPE)
        self.started.append(self)

    def hello(self, *more, **changes):
        values = {"VERSION": 1, "DEPOT": self.world.depot, "MONITOR_PROGRAM": self.monitor, "WSHD_PROGRAM": "/bin/true",
                  "FILES_PROGRAM": "/bin/true", "SECCOMP_PROGRAM": self.world.filter, **changes}
        self.connection.send("HELLO", *values.items(), *more)
        return self.connection.read()

    def send(self, kind, *pairs):
        self.request += 1
        self.connection.send(kind, ("REQUEST", self.request), *pairs)
        return self.request

    def answer(self, request):
        while request not in self.replies:
            reply = self.connection.read()
            self.replies[reply.number("REQUEST")] = reply
            if "PID" in reply:
                self.monitors.append(reply.number("PID"))
        return self.replies.pop(request)

    def ask(self, kind, *pairs):
        return self.answer(self.send(kind, *pairs))

    def description(self, number, behaviour="normal", *more, elements=True, name=None):
        identity = f"lt{number}"
        directory = os.path.join(self.world.depot, identity)
        os.makedirs(directory, exist_ok=True)
        name = name or f"w-{identity}-0"
        pairs = [("ID", identity), ("HANDLE", identity), ("HOSTNAME", behaviour), ("DIRECTORY", directory), ("LOWER", self.world.image),
                 ("LINK", link(number, name)), *more]
        if elements:
            pairs += [("ELEMENT", element(1, "names", name_key(name))), ("ELEMENT", element(1, "sources", source_key(number, name)))]
        return pairs

    def create(self, *arguments, **options):
        return self.ask("CREATE", *self.description(*arguments, **options))

    def stop_monitors(self):
        for pid in self.monitors:
            try:
                descriptor = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            select.select([descriptor], [], [], 10)
            os.close(descriptor)
        self.monitors = []

    def close(self):
        """End of file; returns (exit status, standard error)."""
        self.connection.close()
        status = self.process.wait(timeout=20)
        words = self.process.stderr.read().decode()
        self.process.stderr.close()
        return status, words


def addresses(number):
    base = (10 << 24 | 253 << 16) + number * 4
    return struct.pack(">I", base + 1), struct.pack(">I", base + 2)


def link(number, name):
    host, container = addresses(number)
    mac = struct.pack(">H", number)
    return [("HOST_NAME", name), ("CONTAINER_NAME", name[:-1] + "1"), ("HOST_MAC", b"\x02\0\0\0" + mac), ("CONTAINER_MAC", b"\x02\0\0\1" + mac),
            ("HOST_ADDRESS", host), ("CONTAINER_ADDRESS", container), ("PREFIX", 30), ("MTU", 1450)]


def name_key(name):
    return name.encode().ljust(16, b"\0")


def source_key(number, name):
    return name_key(name) + b"\x02\0\0\1" + struct.pack(">H", number) + b"\0\0" + addresses(number)[1]


def element(operation, set_name, key, *more, table=TABLE):
    return [("OPERATION", operation), ("FAMILY", 1), ("TABLE", table), ("SET", set_name), ("KEY", key), *more]


def elements_in(set_name):
    words = run("nft", "list", "map" if set_name in ("marks", "verdicts") else "set", "inet", TABLE, set_name)
    return words.split("elements =")[1].split("}")[0] if "elements =" in words else ""


def links():
    return [line.split()[0].split("@")[0] for line in run("ip", "-brief", "link").splitlines() if line.startswith("w-")]


def wait_until(condition, timeout=10):
    """For what the kernel has no event for; the other processes have the processor meanwhile."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("it does not happen")
        os.sched_yield()


def await_no_links(timeout=10):
    """The kernel removes links after their namespace: waits for its own notifications."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as notifications:
        notifications.bind((0, 1))
        notifications.settimeout(timeout)
        end = time.monotonic() + timeout
        while links() and time.monotonic() < end:
            notifications.recv(65536)
    return links()


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as words:
        return [int(word) for word in words.read().split()]


def is_spare(pid):
    """A monitor that waits for its container is what a launcher has when nothing is under way."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as words:
            return words.read().startswith(b"monitor\0spare")
    except FileNotFoundError:
        return False


def leftovers(launcher):
    """What is there although every create failed or its monitor was stopped."""
    found = [f"link {name}" for name in links()]
    found += [f"element {entry.strip()}" for name in ("names", "sources") for entry in elements_in(name).split(",") if entry.strip(" {\n\t")]
    if launcher.process.poll() is None:
        try:
            # One that is just being started has not got its name yet.
            wait_until(lambda: all(map(is_spare, children(launcher.process.pid))), 2)
        except TimeoutError:
            found += [f"process {pid}" for pid in children(launcher.process.pid) if not is_spare(pid)]
    if new_mounts(launcher.world.mounts):
        found.append("mounts")
    return found


class Tap:
    def __init__(self):
        self.count = self.failures = 0

    def check(self, holds, what, *seen):
        self.count += 1
        self.failures += not holds
        print(f"{'ok' if holds else 'not ok'} {self.count} - {what}", flush=True)
        for value in seen if not holds else ():
            print(f"# {value!r}", flush=True)
        return holds

    def end(self):
        print(f"1..{self.count}")
        sys.exit(1 if self.failures or not self.count else 0)
