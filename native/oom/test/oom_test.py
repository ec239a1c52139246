"""oom as a program: what docs/oom.md promises, on the cgroups that this machine has. Root.

OOM_VARIANT in the environment: the folder of native/build whose program is tested, instead of release.
"""
import atexit
import os
import select
import signal
import subprocess
import sys
import tempfile

NATIVE = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(NATIVE, "launcher", "test"))
from launcher_driver import Tap  # noqa: E402

PROGRAM = os.path.join(NATIVE, "build", os.environ.get("OOM_VARIANT", "release"), "oom")
NAME = f"warden-oom-test-{os.getpid()}"
LIMIT = 16 << 20
DEADLINE = 30
# Three times the limit, and every page of it written to.
BOMB = f"x = bytearray({3 * LIMIT}); x[::4096] = b'x' * len(x[::4096])"
OUT_OF_MEMORY, REMOVED, FAILED = 0, 1, 2
tap = Tap()
groups = []


def memory_hierarchy():
    """(version, mount point): v1 where it has the memory controller."""
    with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
        lines = [line.split() for line in mounts]
    found = []
    for fields in lines:
        kind, options = fields[fields.index("-") + 1], fields[-1].split(",")
        if kind == "cgroup" and "memory" in options:
            found.append((1, fields[4]))
        elif kind == "cgroup2" and "memory" in open(os.path.join(fields[4], "cgroup.controllers"), encoding="ascii").read().split():
            found.append((2, fields[4]))
    return min(found)


VERSION, ROOT = memory_hierarchy()


def write(path, name, value):
    with open(os.path.join(path, name), "w", encoding="ascii") as out:
        out.write(str(value))


def remove(path):
    for folder, _, _ in os.walk(path, topdown=False):
        os.rmdir(folder)


def make(name, limit=None, above=None):
    path = os.path.join(above or ROOT, name)
    os.mkdir(path)
    if above is None:
        groups.append(path)
        atexit.register(lambda: os.path.isdir(path) and remove(path))
    if limit is not None:
        write(path, "memory.limit_in_bytes" if VERSION == 1 else "memory.max", limit)
        swap = "memory.memsw.limit_in_bytes" if VERSION == 1 else "memory.swap.max"
        if os.path.exists(os.path.join(path, swap)):
            write(path, swap, limit if VERSION == 1 else 0)
    return path


def in_group(path, code):
    """Runs Python code in the group; the exit status."""
    def join():
        write(path, "cgroup.procs", 0)
    return subprocess.run([sys.executable, "-c", code], preexec_fn=join, timeout=DEADLINE, check=False).returncode


def watch(path, *options):
    process = subprocess.Popen([PROGRAM, "--announce", *options, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    line = process.stdout.readline()
    return process, line


def status(process):
    out, err = process.communicate(timeout=DEADLINE)
    return process.returncode, out + err


def is_waiting(process):
    """Still there when what was done to the group has had its time: the program looks whenever it is woken."""
    pidfd = os.pidfd_open(process.pid)
    ended = bool(select.select([pidfd], [], [], 0.3)[0])
    os.close(pidfd)
    return not ended


def test_out_of_memory():
    path = make(NAME, LIMIT)
    first, line = watch(path)
    second, _ = watch(path)
    tap.check(line == b"watching\n", "it announces that it watches", line)
    tap.check(in_group(path, "x = bytearray(1 << 20)") == 0 and is_waiting(first), "within the limit it goes on waiting")
    tap.check(in_group(path, BOMB) == -signal.SIGKILL, "the killer takes a process that is too large")
    tap.check(status(first) == (OUT_OF_MEMORY, b"") and status(second) == (OUT_OF_MEMORY, b""), "then it exits with 0, everyone that watches")
    third, _ = watch(path)
    tap.check(is_waiting(third), "what happened before it was started does not count")
    tap.check(in_group(path, BOMB) == -signal.SIGKILL and status(third)[0] == OUT_OF_MEMORY, "the next time does")
    process = subprocess.Popen([PROGRAM, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    waiting = is_waiting(process)
    process.terminate()
    tap.check(waiting and status(process) == (-signal.SIGTERM, b""), "without --announce it waits and says nothing")
    os.rmdir(path)


def test_removed():
    path = make(NAME, LIMIT)
    process, _ = watch(path)
    os.rmdir(path)
    tap.check(status(process) == (REMOVED, b""), "a group that is removed is not one that is out of memory")


def test_above():
    """Two groups below one that is limited: only the one whose process is killed is out of memory."""
    above = make(NAME, LIMIT)
    if VERSION == 2:
        write(above, "cgroup.subtree_control", "+memory")
    one, other = make("one", None, above), make("other", None, above)
    victim, _ = watch(one)
    neighbour, _ = watch(other)
    tap.check(in_group(one, BOMB) == -signal.SIGKILL, "a limit further up kills as well")
    tap.check(status(victim)[0] == OUT_OF_MEMORY, "the group that lost a process is told")
    tap.check(is_waiting(neighbour), "its neighbour is not")
    neighbour.terminate()
    status(neighbour)
    remove(above)


def test_waiting_processes():
    """oom_kill_disable of v1: nobody is killed, processes wait for memory."""
    if VERSION == 2:
        return
    path = make(NAME, LIMIT)
    write(path, "memory.oom_control", 1)
    process, _ = watch(path)
    bomb = subprocess.Popen([sys.executable, "-c", BOMB], preexec_fn=lambda: write(path, "cgroup.procs", 0))
    tap.check(status(process)[0] == OUT_OF_MEMORY, "where nothing is killed, processes that have to wait count")
    bomb.kill()
    bomb.wait()
    os.rmdir(path)


def test_wrong_use():
    def run(*arguments):
        done = subprocess.run([PROGRAM, *arguments], capture_output=True, timeout=DEADLINE, check=False)
        return done.returncode, done.stdout, done.stderr
    for arguments in ([], ["a", "b"], ["--no-such", "a"]):
        code, out, err = run(*arguments)
        tap.check(code == FAILED and out == b"" and err.endswith(b"wrong use.\n"), f"arguments {arguments}", err)
    code, out, err = run("--help")
    tap.check(code == 0 and out.startswith(b"usage: oom") and err == b"", "--help", err)
    code, _, err = run("/no/such/group")
    tap.check(code == FAILED and b"/no/such/group" in err, "a group that there is not", err)
    with tempfile.TemporaryDirectory() as directory:
        code, _, err = run(directory)
        tap.check(code == FAILED and b"memory.events" in err, "a directory that is no group", err)
        code, out, err = run("--announce", "/dev/null")
        tap.check(code == FAILED and out == b"", "a file", err)


for test in (test_out_of_memory, test_removed, test_above, test_waiting_processes, test_wrong_use):
    test()
tap.check(not any(os.path.exists(path) for path in groups), "no group is left")
tap.end()
