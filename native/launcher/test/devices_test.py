"""The device rules that HELLO sets, on every cgroup version the machine has, against real processes. Root."""
import os
import stat

import launcher_driver as driver
from launcher_driver import Launcher, Tap, World

tap = Tap()
GROUP = f"warden-launcher-test-{os.getpid()}"
ALLOWED = "".join(f"c {number} rw\n" for number in ("1:3", "1:5", "1:7", "1:8", "1:9", "5:0", "5:2", "136:*"))


def parents():
    """(version, a new group of ours) for each hierarchy that can decide on devices."""
    found = []
    with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
        for line in mounts:
            fields = line.split()
            kind, options = fields[fields.index("-") + 1], fields[-1].split(",")
            if kind == "cgroup" and "devices" in options:
                found.append((1, os.path.join(fields[4], GROUP)))
            if kind == "cgroup2":
                found.append((2, os.path.join(fields[4], GROUP)))
    return found


def in_group(group, action):
    """The errno of action() in a process of that group, or 0."""
    child = os.fork()
    if child == 0:
        try:
            with open(os.path.join(group, "cgroup.procs"), "w", encoding="ascii") as procs:
                procs.write("0")
            action()
        except OSError as error:
            os._exit(error.errno)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def hello(world, group, version, *more):
    launcher = Launcher(world)
    reply = launcher.hello(("DEVICE_CGROUP", [("PATH", group), ("VERSION", version), *more]))
    launcher.close()
    return reply


def test_group(world, version, group):
    child = os.path.join(group, "container")
    nodes = {}
    for name, number in (("null", (1, 3)), ("kmsg", (1, 11)), ("urandom", (1, 9)), ("tun", (10, 200))):
        nodes[name] = os.path.join(world.base, f"{name}-{version}")
        os.mknod(nodes[name], 0o600 | stat.S_IFCHR, os.makedev(*number))
    block = os.path.join(world.base, f"block-{version}")
    os.mknod(block, 0o600 | stat.S_IFBLK, os.makedev(1, 3))
    os.makedirs(group)
    try:
        for what in ("set", "set again with groups below"):
            reply = hello(world, group, version)
            tap.check(reply.kind == "OK", f"v{version}: the rules are {what}", reply)
            os.makedirs(child, exist_ok=True)
        if version == 1:
            with open(os.path.join(child, "devices.list"), encoding="ascii") as rules:
                words = rules.read()
            tap.check(words == ALLOWED, "v1: a group below has these rules", words)
        for name, allowed in (("null", True), ("urandom", True), ("kmsg", False), ("tun", False)):
            number = in_group(child, lambda name=name: os.close(os.open(nodes[name], os.O_RDWR)))
            tap.check(number == (0 if allowed else 1), f"v{version}: opening {name} is {'allowed' if allowed else 'refused'}", number)
        number = in_group(child, lambda: os.open(block, os.O_RDONLY))
        tap.check(number == 1, f"v{version}: a block device with the number of null is refused", number)
        number = in_group(child, lambda: os.mknod(nodes["null"] + "-2", 0o600 | stat.S_IFCHR, os.makedev(1, 3)))
        tap.check(number == 1, f"v{version}: making a node is refused", number)
        # A new group, because the kernel counts a removed child for a while.
        os.rmdir(child)
        os.rmdir(group)
        os.makedirs(group)
        reply = hello(world, group, version, ("ALL_DEVICES", 1))
        tap.check(reply.kind == "OK", f"v{version}: every device is allowed, without groups below", reply)
        os.makedirs(child)
        for what, action in (("opening kmsg", lambda: os.close(os.open(nodes["kmsg"], os.O_RDWR))),
                             ("making a node", lambda: os.mknod(nodes["null"] + "-2", 0o600 | stat.S_IFCHR, os.makedev(1, 3)))):
            number = in_group(child, action)
            tap.check(number == 0, f"v{version}: {what} is allowed then", number)
        reply = hello(world, group, version, ("ALL_DEVICES", 1))
        tap.check(reply.kind == "OK", f"v{version}: the same again with groups below", reply)
        reply = hello(world, group, version)
        if version == 1:
            tap.check(reply.kind == "ERROR", "v1: with groups below there is no way back", reply)
        else:
            number = in_group(child, lambda: os.close(os.open(nodes["kmsg"], os.O_RDWR)))
            tap.check(number == 1, "v2: opening kmsg is refused again", number)
    finally:
        for path in (child, group):
            if os.path.isdir(path):
                os.rmdir(path)


def main():
    driver.enter_namespaces()
    world = World()
    groups = parents()
    tap.check(bool(groups), "there is a hierarchy that decides on devices")
    try:
        for version, group in groups:
            test_group(world, version, group)
    finally:
        Launcher.stop_all()
        world.remove()
    tap.end()


main()
