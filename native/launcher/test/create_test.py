"""Whole creates: launcher, monitor and wshd together, over their sockets. Root."""
import errno
import os
import select
import shutil
import socket
import struct
import time

import launcher_driver as driver
from launcher_driver import Launcher, Tap, World, run
from wire import Connection

tap = Tap()
GROUP = f"warden-launcher-test-{os.getpid()}"
MAX_CONTAINERS = 256
# A range of this process's own: other tests may run beside it.
FIRST_ID = (0x1000 + os.getpid() % 0x4000) * 65536
UNLIMITED = struct.pack("<Q", 2**64 - 1)


def make_image(base):
    image = os.path.join(base, "image")
    for name in ("usr", "etc", "proc", "sys", "dev", "tmp", "root", "home", "run"):
        os.makedirs(os.path.join(image, name), exist_ok=True)
    os.chmod(os.path.join(image, "tmp"), 0o1777)
    for name in ("bin", "sbin", "lib", "lib64"):
        if os.path.islink("/" + name):
            os.symlink(os.readlink("/" + name), os.path.join(image, name))
    for name in ("passwd", "group"):
        with open(os.path.join(image, "etc", name), "w", encoding="ascii") as out:
            out.write("root:x:0:0::/root:/bin/bash\n" if name == "passwd" else "root:x:0:\n")


class Groups:
    """Parents of ours in every hierarchy, and the groups of one container in them."""

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
            # Of version 1: groups below start with their parent's processors and memory, without which nothing can join.
            for name in ("cpuset.cpus", "cpuset.mems"):
                if os.path.exists(os.path.join(path, name)):
                    with open(os.path.join(os.path.dirname(path), name), encoding="ascii") as whole, open(os.path.join(path, name), "w", encoding="ascii") as own:
                        own.write(whole.read())
            if os.path.exists(os.path.join(path, "cgroup.clone_children")):
                with open(os.path.join(path, "cgroup.clone_children"), "w", encoding="ascii") as flag:
                    flag.write("1")

    def describe(self, identity):
        return [("CGROUP", [("PATH", os.path.join(path, identity)), ("VERSION", version)]) for version, path in self.parents]

    def left(self):
        return [os.path.join(path, name) for _, path in self.parents for name in os.listdir(path) if os.path.isdir(os.path.join(path, name))]

    def remove(self):
        for _, path in self.parents:
            os.rmdir(path)


def description(launcher, groups, number, *more):
    base = FIRST_ID + number * 65536
    return launcher.description(
        number, f"host{number}", ("MOUNT", [("SOURCE", "/usr"), ("DESTINATION", "/usr"), ("FLAGS", 1)]),
        ("ID_MAP", [("INSIDE", 0), ("OUTSIDE", base), ("COUNT", 65536)]),
        ("UPPER_DIRECTORY", [("PATH", "/home/vcap"), ("MODE", 0o755), ("UID", 1000), ("GID", 1000)]),
        ("UPPER_FILE", [("PATH", "/etc/hosts"), ("MODE", 0o644), ("UID", 0), ("GID", 0), ("CONTENT", "127.0.0.1 localhost\n")]),
        ("ACCOUNT_FILE", [("PATH", "/etc/passwd"), ("NAME", "vcap"), ("LINE", "vcap:x:1000:1000::/home/vcap:/bin/bash")]),
        ("PING_GROUPS", "0 65535"), ("PRIVILEGED_CAPABILITIES", struct.pack("<Q", 0x1cb)), *groups.describe(f"lt{number}"), *more)


class Monitor:
    """A connection to a container's monitor."""

    def __init__(self, launcher, number):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # By descriptor: a path may be longer than a socket's name.
        directory = os.open(os.path.join(launcher.world.depot, f"lt{number}", "run"), os.O_PATH)
        sock.connect(f"/proc/self/fd/{directory}/monitor.sock")
        os.close(directory)
        self.connection = Connection(sock)

    def run(self, script, privileged=False):
        """(output, exit value) of a job."""
        uid, home = (0, "/root") if privileged else (1000, "/home/vcap")
        self.connection.send("SPAWN", ("JOB_ID", 1), ("ARGUMENT", "/bin/bash"), ("SCRIPT", script), ("ENVIRONMENT", "PATH=/usr/bin:/bin"),
                             ("WORKING_DIRECTORY", home), ("UID", uid), ("GID", uid), ("PRIVILEGED", int(privileged)), ("OUTPUT_LIMIT", UNLIMITED),
                             ("DISCARD", 0), ("FOLLOW_OUTPUT", 1))
        reply = self.connection.read()
        if reply.kind != "OK":
            return repr(reply), -1
        output = b""
        while (reply := self.connection.read()).kind == "OUTPUT":
            output += reply.body[12:]
        self.connection.send("FORGET", ("JOB_ID", 1))
        self.connection.read()
        return output.decode(), reply.number("EXIT_VALUE")

    def destroy(self):
        self.connection.send("DESTROY")
        return self.connection.read()


def await_exit(pids):
    """Waits for their pidfds; True when all have ended."""
    for descriptor in pids:
        if not select.select([descriptor], [], [], 10)[0]:
            return False
        os.close(descriptor)
    return True


def own_processes():
    """Processes whose user is one of our containers', wherever they are."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if FIRST_ID <= os.stat(f"/proc/{name}").st_uid < FIRST_ID + MAX_CONTAINERS * 65536:
                found.append(int(name))
        except FileNotFoundError:
            continue
    return found


def leftovers(launcher, groups, number):
    directory = os.path.join(launcher.world.depot, f"lt{number}")
    return (driver.leftovers(launcher) + [f"group {path}" for path in groups.left()] + [f"process {pid}" for pid in own_processes()]
            + [f"file {name}" for name in os.listdir(directory)])


def test_whole(launcher, groups):
    reply = launcher.ask("CREATE", *description(launcher, groups, 1))
    if not tap.check(reply.kind == "OK", "a container is created", reply):
        return
    index = reply.number("LINK_INDEX")
    tap.check(index in [number for number, _ in socket.if_nameindex()], "its answer tells the number of its link", index, socket.if_nameindex())
    monitor = Monitor(launcher, 1)
    words, status = monitor.run("id -u; hostname; pwd; cat /etc/hosts; exit 5")
    tap.check(status == 5 and words.split() == ["1000", "host1", "/home/vcap", "127.0.0.1", "localhost"], "it runs a job", words, status)
    words, status = monitor.run("id -u; cat /proc/1/cmdline | tr '\\0' ' '; ls /proc | grep -c '^[0-9]'", privileged=True)
    tap.check(status == 0 and words.startswith("0\n") and "wshd" in words, "and a privileged one", words, status)
    words, _ = monitor.run("ip -brief address; ip route; ls -l /dev/null; head -c 4 /dev/zero | wc -c; echo x > /dev/null && echo written")
    tap.check("10.253.0.6/30" in words and "default via 10.253.0.5" in words and "written" in words, "its network and devices work", words)
    tap.check(run("ping", "-c1", "-W2", "10.253.0.6") != "", "the host reaches it")
    tap.check(len(groups.left()) == len(groups.parents), "it has a group in each hierarchy", groups.left())
    pid = os.pidfd_open(reply.number("PID"))
    answer = monitor.destroy()
    tap.check(answer.kind == "OK" and await_exit([pid]), "it is destroyed", answer)
    tap.check(driver.await_no_links() == [] and not groups.left() and not own_processes(), "links, groups and processes are gone", groups.left(), own_processes())
    undo_elements(launcher, 1)


def undo_elements(launcher, number):
    name = f"w-lt{number}-0"
    launcher.ask("FIREWALL", ("ELEMENT", driver.element(2, "names", driver.name_key(name))),
                 ("ELEMENT", driver.element(2, "sources", driver.source_key(number, name))))


def test_parallel(launcher, groups):
    numbers = range(100, 120)
    requests = [launcher.send("CREATE", *description(launcher, groups, number)) for number in numbers]
    replies = [launcher.answer(request) for request in requests]
    if not tap.check(all(reply.kind == "OK" for reply in replies), "20 creates at once", *[reply for reply in replies if reply.kind != "OK"]):
        return
    results = [Monitor(launcher, number).run("hostname") for number in numbers]
    tap.check(results == [(f"host{number}\n", 0) for number in numbers], "all of them run jobs", results)
    pids = [os.pidfd_open(reply.number("PID")) for reply in replies]
    answers = [Monitor(launcher, number).destroy() for number in numbers]
    tap.check(all(answer.kind == "OK" for answer in answers) and await_exit(pids), "all are destroyed", answers)
    for number in numbers:
        undo_elements(launcher, number)
    tap.check(driver.await_no_links() == [] and not groups.left() and not own_processes(), "and nothing is left of them", groups.left(), own_processes())


def test_speed(launcher, groups):
    times = []
    for number in range(200, 230):
        begin = time.monotonic()
        reply = launcher.ask("CREATE", *description(launcher, groups, number))
        times.append(time.monotonic() - begin)
        pid = os.pidfd_open(reply.number("PID"))
        Monitor(launcher, number).destroy()
        await_exit([pid])
        undo_elements(launcher, number)
    driver.await_no_links()
    times.sort()
    print(f"# create: median {times[len(times) // 2] * 1e6:.0f} us, longest {times[-1] * 1e6:.0f} us of {len(times)}")
    tap.check(times[-1] < 10, "30 creates one after the other")


def test_faults(world, groups):
    launcher = Launcher(world, variant="faults", monitor=program("faults", "monitor"))
    launcher.hello(**programs("faults"))
    own = run(launcher.program, "--steps").splitlines()
    theirs = run(launcher.monitor, "--steps").splitlines()
    for step in own + theirs:
        reply = launcher.ask("CREATE", *description(launcher, groups, 2, ("FAULT", [("STEP", step), ("ERRNO", errno.EXFULL)])))
        tap.check(reply.kind == "ERROR" and reply.text("STEP") == step and reply.number("ERRNO") == errno.EXFULL, f"a create fails at: {step}", reply)
        left = leftovers(launcher, groups, 2)
        tap.check(not left, "… and leaves nothing", left)
        if left or reply.kind == "OK":
            shutil.rmtree(os.path.join(world.depot, "lt2"))
    reply = launcher.ask("CREATE", *description(launcher, groups, 2))
    tap.check(reply.kind == "OK", "after all of them a create succeeds", reply)
    if reply.kind == "OK":
        pid = os.pidfd_open(reply.number("PID"))
        Monitor(launcher, 2).destroy()
        await_exit([pid])
        undo_elements(launcher, 2)
        driver.await_no_links()
    launcher.close()


def program(variant, name):
    return os.path.join(driver.NATIVE, "build", os.environ.get("LAUNCHER_VARIANT", variant) if name == "launcher" else variant, name)


def programs(variant):
    return {"WSHD_PROGRAM": program(variant, "wshd"), "FILES_PROGRAM": program(variant, "files"), "SECCOMP_PROGRAM": program("release", "seccomp.bpf")}


def main():
    driver.enter_namespaces()
    # Where the containers' ids may pass.
    world = World()
    os.chmod(world.base, 0o755)
    make_image(world.base)
    groups = Groups()
    try:
        launcher = Launcher(world, monitor=program("release", "monitor"))
        reply = launcher.hello(**programs("release"))
        tap.check(reply.kind == "OK", "hello", reply)
        test_whole(launcher, groups)
        test_parallel(launcher, groups)
        test_speed(launcher, groups)
        tap.check(launcher.close() == (0, ""), "the launcher ends well")
        test_faults(world, groups)
    finally:
        Launcher.stop_all()
        groups.remove()
        world.remove()
    tap.end()


main()
