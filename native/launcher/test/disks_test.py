"""Disks: made, limited, read and taken away by the launcher, as subvolumes of one image and as images of their own. Root."""
import errno
import os
import struct
import subprocess

import launcher_driver as driver
from launcher_driver import Launcher, Tap, World, run

MIB = 1 << 20
tap = Tap()


def u64(value):
    return struct.pack("<Q", value)


def number(reply, name):
    return struct.unpack("<Q", reply[name])[0] if name in reply else None


def failed(reply, step, code, detail=""):
    return reply.kind == "ERROR" and reply.text("STEP") == step and reply.number("ERRNO") == code and detail in (reply.text("DETAIL") or "")


def mounts(path):
    with open("/proc/self/mountinfo", encoding="utf-8") as lines:
        return [line.split(" ")[4] for line in lines if line.split(" ")[4].startswith(path)]


def loops(path):
    return [line for line in run("losetup", "--list", "--noheadings", "--output", "BACK-FILE").splitlines() if line.startswith(path)]


def fill(path, size):
    """How many bytes a file takes, and the error that the rest met."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    written = 0
    try:
        while written < size:
            written += os.write(descriptor, b"x" * 65536)
        return written, 0
    except OSError as problem:
        return written, problem.errno
    finally:
        os.close(descriptor)


def make_image(path, size, *mkfs):
    with open(path, "wb") as image:
        image.truncate(size)
    subprocess.run([*mkfs, path], check=True, capture_output=True)


def test_refusals(world, launcher):
    disks = world.make("depot", "refused")
    tap.check(failed(launcher.ask("DISK_PREPARE", ("DISK_KIND", 9), ("PATH", disks)), "prepare disks", errno.EOPNOTSUPP), "a kind that nobody knows")
    tap.check(failed(launcher.ask("DISK_PREPARE", ("PATH", disks)), "prepare disks", errno.EOPNOTSUPP), "no kind at all")
    tap.check(failed(launcher.ask("DISK_PREPARE", ("DISK_KIND", 1)), "prepare disks", errno.EINVAL), "no path")
    tap.check(failed(launcher.ask("DISK_MAKE", ("DISK_KIND", 1), ("PATH", disks + "/../x")), "make disk", errno.EINVAL, "not plain"), "a path that is not plain")
    tap.check(failed(launcher.ask("DISK_PREPARE", ("DISK_KIND", 1), ("PATH", disks)), "prepare disks", errno.EOPNOTSUPP, "not on btrfs"), "another file system")
    tap.check(failed(launcher.ask("DISK", ("DISK_KIND", 2), ("PATH", disks)), "read disk", errno.EOPNOTSUPP, "no image"), "a directory that is no image")
    tap.check(failed(launcher.ask("DISK_PREPARE", ("DISK_KIND", 1), ("PATH", disks), ("DISK_IMAGE", disks + "/none")), "prepare disks", errno.ENOENT), "an image that is not there")
    broken = os.path.join(world.depot, "broken.img")
    with open(broken, "wb") as image:
        image.truncate(16 * MIB)
    for kind in (1, 2):
        reply = launcher.ask("DISK_PREPARE", ("DISK_KIND", kind), ("PATH", disks), ("DISK_IMAGE", broken))
        tap.check(reply.kind == "ERROR" and mounts(disks) == [] and os.listdir(disks) == [], f"an image without a file system leaves nothing, kind {kind}", reply)
    tap.check(loops(broken) == [], "nor a device", loops(broken))


def used_by(group):
    return sum(int(open(os.path.join(group, name)).read()) for name in ("referenced", "rsv_data"))


def test_kind(world, launcher, kind, name, image, error):
    disks = world.make("depot", name)
    options = (("DISK_IMAGE", image),) if kind == 2 else ()
    reply = launcher.ask("DISK_PREPARE", ("DISK_KIND", kind), ("PATH", disks), ("DISK_IMAGE", image))
    tap.check(reply.kind == "OK" and os.listdir(disks) == [], f"{name}: is ready, and empty", reply)
    if kind == 1:
        tap.check(launcher.ask("DISK_PREPARE", ("DISK_KIND", 1), ("PATH", disks)).kind == "OK" and len(mounts(disks)) == 1, f"{name}: once more is no error")
    one, two = os.path.join(disks, "1-1"), os.path.join(disks, "1-2")
    groups = []
    for path in (one, two):
        reply = launcher.ask("DISK_MAKE", ("DISK_KIND", kind), ("PATH", path), *options)
        tap.check(reply.kind == "OK" and os.listdir(path) == [], f"{name}: an empty disk", reply)
        groups.append(reply.text("DISK_GROUP"))
    reply = launcher.ask("DISK_MAKE", ("DISK_KIND", kind), ("PATH", one), *options)
    tap.check(failed(reply, "make disk", errno.EEXIST) and os.path.isdir(one), f"{name}: one that is there already", reply)

    reply = launcher.ask("DISK", ("DISK_KIND", kind), ("PATH", one))
    tap.check(reply.kind == "OK" and number(reply, "BYTE_LIMIT") == 0 and number(reply, "BYTES_USED") < MIB, f"{name}: no limit at first", reply)
    reply = launcher.ask("DISK", ("DISK_KIND", kind), ("PATH", one), ("BYTE_LIMIT", u64(8 * MIB)))
    tap.check(number(reply, "BYTE_LIMIT") == 8 * MIB, f"{name}: a limit is in force", reply)
    written, problem = fill(os.path.join(one, "file"), 16 * MIB)
    tap.check(problem == error and 7.8 * MIB < written <= 8 * MIB, f"{name}: no more can be written, by root neither", written, problem)
    tap.check(fill(os.path.join(two, "file"), 16 * MIB) == (16 * MIB, 0), f"{name}: elsewhere it can")
    reply = launcher.ask("DISK", ("DISK_KIND", kind), ("PATH", one))
    tap.check(written <= number(reply, "BYTES_USED") <= 8 * MIB, f"{name}: what is used is told", reply)
    tap.check(reply.text("DISK_GROUP") == groups[0] and (groups[0] is None) == (kind == 2) and len(set(groups)) == 3 - kind, f"{name}: and where to read it later", groups)
    tap.check(kind == 2 or abs(used_by(groups[0]) - number(reply, "BYTES_USED")) < MIB // 4, f"{name}: which is the same", reply)
    tap.check(("INODES_USED" in reply) == (kind == 2) and number(reply, "INODES_USED") in (None, 2), f"{name}: and inodes where they are counted", reply)
    reply = launcher.ask("DISK", ("DISK_KIND", kind), ("PATH", one), ("BYTE_LIMIT", u64(0)))
    tap.check(number(reply, "BYTE_LIMIT") == 0 and fill(os.path.join(one, "more"), 16 * MIB) == (16 * MIB, 0), f"{name}: without a limit again", reply)

    reply = launcher.ask("DISCARD", ("PATH", disks), ("NAME", "1-1"), ("NAME", "1-2"))
    tap.check(reply.kind == "OK" and os.listdir(disks) == [], f"{name}: disks are removed", reply)
    reply = launcher.ask("DISCARD", ("PATH", world.depot), ("NAME", os.path.basename(disks)))
    tap.check(reply.kind == "OK" and mounts(disks) == [] and not os.path.exists(disks), f"{name}: and the file system with their directory", reply)
    tap.check(loops(world.depot) == [], f"{name}: and the device", loops(world.depot))


def main():
    driver.enter_namespaces()
    world = World()
    try:
        launcher = Launcher(world)
        launcher.hello()
        btrfs, template = os.path.join(world.depot, "disks.img"), os.path.join(world.depot, "template.img")
        make_image(btrfs, 512 * MIB, "mkfs.btrfs", "--quiet", "--metadata", "single", "--data", "single")
        make_image(template, 512 * MIB, "mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-m", "0", "-E", "lazy_itable_init=1")
        test_refusals(world, launcher)
        test_kind(world, launcher, 1, "btrfs", btrfs, errno.EDQUOT)
        test_kind(world, launcher, 2, "image", template, errno.ENOSPC)
        tap.check(launcher.close() == (0, ""), "the launcher ends well")
    finally:
        Launcher.stop_all()
        world.remove()
    tap.end()


main()
