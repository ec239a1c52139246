"""What a container sees and may do: mounts, devices, masked paths, hostile images; and wsh."""
import errno
import fcntl
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import termios

from container import VCAP, Container, Tap, TestWorld, make_image, program

tap = Tap()
world = TestWorld()


def test_mounts(container):
    out, _, _ = container.run("cat /proc/self/mountinfo", privileged=True)
    mounts = {}
    for line in out.decode().splitlines():
        fields = line.split()
        mounts.setdefault(fields[4], []).append((fields[5].split(","), fields[fields.index("-") + 1], fields[3]))
    root = mounts["/"][0]
    tap.check(root[1] == "overlay" and "nodev" in root[0], "the root is an overlay, nodev", root)
    for place, kind, wanted in (("/proc", "proc", {"nosuid", "nodev", "noexec"}), ("/sys", "sysfs", {"ro", "nosuid", "nodev", "noexec"}), ("/dev", "tmpfs", {"nosuid", "noexec"}),
                                ("/dev/pts", "devpts", {"nosuid", "noexec"}), ("/dev/shm", "tmpfs", {"nosuid", "nodev", "noexec"})):
        got = mounts.get(place, [(["?"], "?", "?")])[0]
        tap.check(got[1] == kind and wanted <= set(got[0]), f"{place} is {kind}", got)
    tap.check("ro" in mounts["/usr"][0][0] and "nodev" in mounts["/usr"][0][0], "the volume is read-only", mounts["/usr"])
    for place in ("/proc/sys", "/proc/bus", "/proc/fs", "/proc/irq"):
        tap.check(place in mounts and "ro" in mounts[place][0][0], f"{place} is read-only", mounts.get(place))
    tap.check(not [place for place in mounts if place.startswith(("/container", "/lower"))], "nothing of the monitor's shows", list(mounts))
    out, _, _ = container.run("for f in /proc/keys /proc/timer_list /proc/interrupts; do [ -e $f ] && stat -c %t:%T $f; done; ls -A /proc/acpi /sys/firmware 2>/dev/null | grep -v :", privileged=True)
    tap.check(set(out.split()) <= {b"1:3"} and out, "masked files are the null device, masked directories empty", out)


def test_writes(container):
    script = """for f in $(find /proc /sys -xdev -type f -perm /222 2>/dev/null | grep -v '^/proc/[0-9]'); do
        case $f in /proc/self/*|/proc/thread-self/*) continue;; esac; (exec 3<>$f) 2>/dev/null && echo $f; done; true"""
    out, _, end = container.run(script, privileged=True)
    left = [name for name in out.decode().split() if name not in ("/proc/keys", "/proc/timer_list", "/proc/interrupts", "/proc/kcore", "/proc/latency_stats", "/proc/sched_debug")]
    pressure = [name for name in left if not name.startswith("/proc/pressure/")]
    tap.check(pressure == [] and end.number("EXIT_VALUE") == 0, "container root can write to nothing in /proc and /sys", pressure, end)
    for script in ("touch /dev/x", "mknod /tmp/d b 254 0", "mount -t tmpfs x /mnt", "unshare -n true", "mount -o remount,rw /proc/sys", "umount /proc/sys"):
        _, _, end = container.run(script + " 2>/dev/null", privileged=True)
        tap.check(end.number("EXIT_VALUE") != 0, f"container root cannot: {script}", end)
    out, _, _ = container.run("echo x > /dev/null && head -c 3 /dev/zero | wc -c; echo shm > /dev/shm/x && cat /dev/shm/x; ls /dev; stat -c %u:%g:%a /dev/null /dev/shm; cat /proc/1/cmdline; cat /proc/self/cgroup")
    text = out.decode()
    tap.check("3\nshm\n" in text and "0:0:666\n0:0:1777" in text, "its devices and shared memory work", text)
    tap.check("wshd: lt1" in text, "PID 1 has the handle in its title", text)
    tap.check("lt1" not in text.split("wshd: lt1")[1].replace("job-", ""), "its cgroups do not show their place on the host", text)
    out, _, _ = container.run("cat /proc/sys/net/ipv4/ping_group_range; ls -l /proc/1/exe /proc/1/fd 2>&1; cat /proc/1/environ 2>&1", privileged=True)
    tap.check(b"0\t65535" in out and out.count(b"Permission denied") >= 2, "PID 1 shows neither program nor descriptors", out)


def create_from(prepare, number, *more):
    image = make_image(os.path.join(world.base, f"image{number}"))
    prepare(image)
    return Container(world, number, *more, lower=image)


def replace(image, name, make):
    path = os.path.join(image, name)
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)
    make(path)


def test_images(canary):
    number = 20
    links = {"absolute": canary, "relative": "../../../../../../../../" + canary.lstrip("/"), "dangling": "/no/such/place", "loop": "loop"}
    for name in ("proc", "sys", "dev"):
        for kind, target in links.items():
            number += 1
            container = create_from(lambda image: replace(image, name, lambda path: os.symlink(name if kind == "loop" else target, path)), number)
            tap.check(container.reply.kind == "ERROR" and container.reply.number("ERRNO") == errno.ELOOP and f"/{name} of the image" in container.reply.text("DETAIL"),
                      f"/{name} of the image is a link, {kind}", container.reply)
        number += 1
        container = create_from(lambda image: replace(image, name, os.mkfifo), number)
        tap.check(container.reply.kind == "ERROR" and container.reply.number("ERRNO") == errno.ENOTDIR, f"/{name} of the image is a FIFO", container.reply)
        number += 1
        container = create_from(lambda image: os.rmdir(os.path.join(image, name)), number)
        if tap.check(container.reply.kind == "OK", f"/{name} is missing in the image", container.reply):
            tap.check(container.destroy()[0], "it is made")
    for kind, make in (("FIFO", os.mkfifo), ("directory", os.mkdir), ("link to the host", lambda path: os.symlink("/proc/self/fd/0", path)), ("link to a file", lambda path: os.symlink("/etc/group", path)),
                       ("device", lambda path: os.mknod(path, 0o600 | 0o020000, os.makedev(1, 5))), ("huge", lambda path: open(path, "wb").truncate(2 << 20)),
                       ("missing", lambda path: None)):
        number += 1
        container = create_from(lambda image: replace(image, "etc/passwd", make), number)
        if not tap.check(container.reply.kind == "OK", f"/etc/passwd of the image: {kind}", container.reply):
            continue
        tap.check(container.run("cat /etc/passwd")[0] == f"vcap:x:{VCAP}:{VCAP}::/home/vcap:/bin/bash\n".encode(), "only our line is in it", container.run("cat /etc/passwd"))
        tap.check(container.destroy()[0], "destroyed")
    container = create_from(lambda image: replace(image, "etc", lambda path: os.symlink(canary, path)), 70)
    if tap.check(container.reply.kind == "OK", "/etc of the image is a link", container.reply):
        container.destroy()
    for name, target in (("dev/null", canary), ("home", canary), ("tmp", canary)):
        number += 1
        container = create_from(lambda image: replace(image, name, lambda path: os.symlink(target, path)), 80 + number)
        if tap.check(container.reply.kind == "OK", f"/{name} of the image is a link", container.reply):
            container.destroy()
    tap.check(os.listdir(canary) == ["bird"] and open(os.path.join(canary, "bird"), encoding="ascii").read() == "sings", "the host's files are untouched", os.listdir(canary))


def test_volumes():
    source = world.make("source")
    os.chown(source, VCAP, VCAP)
    single = os.path.join(world.base, "single")
    with open(single, "w", encoding="ascii") as out:
        out.write("content")

    def volume(path, destination, flags):
        return ("MOUNT", [("SOURCE", path), ("DESTINATION", destination), ("FLAGS", flags)])

    def links(image):
        os.symlink("/etc", os.path.join(image, "inside"))
        os.symlink(world.base, os.path.join(image, "outside"))

    container = create_from(links, 100, volume(source, "/data/deep", 0), volume(source, "/frozen", 1), volume(single, "/etc/single", 0), volume(single, "inside/other", 1),
                            volume(single, "/tmp/../../../etc/third", 1))
    if tap.check(container.reply.kind == "OK", "volumes at places that do not exist", container.reply):
        out, err, _ = container.run("echo x > /data/deep/file && cat /frozen/file; echo y > /frozen/file || echo refused; cat /etc/single /etc/other /etc/third; echo; stat -c %u /data/deep/file")
        tap.check(out == f"x\nrefused\ncontentcontentcontent\n{VCAP}\n".encode(), "they are writable or not, and where they belong", out, err)
        tap.check(os.stat(os.path.join(source, "file")).st_uid == VCAP, "owners are mapped", os.stat(os.path.join(source, "file")).st_uid)
        tap.check(container.destroy()[0], "destroyed")
    container = create_from(links, 101, volume(single, "/outside/sub/x", 0))
    tap.check(container.reply.kind == "ERROR" or not os.path.exists(os.path.join(world.base, "sub")), "a link in the image leads nowhere outside", container.reply)
    if container.reply.kind == "OK":
        container.destroy()
    for bad in ("/", "//", "..", ""):
        container = create_from(links, 110 + len(bad), volume(source, bad, 0))
        tap.check(container.reply.kind == "ERROR" and container.reply.number("ERRNO") == errno.EINVAL, f"a volume at '{bad}' is refused", container.reply)
        subprocess.run(["rm", "-rf", os.path.join(world.base, f"image{110 + len(bad)}")], check=True)


def wsh(container, *arguments, keys=b"", until=b"", rows=31, columns=97):
    """(exit status, output) of wsh on a terminal of ours."""
    pid, master = pty.fork()
    if pid == 0:
        os.execv(program("wsh"), ["wsh", "--socket", os.path.join(container.directory, "run", "monitor.sock"), *arguments])
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    output = b""
    while select.select([master], [], [], 20)[0]:
        try:
            data = os.read(master, 65536)
        except OSError:
            break
        if not data:
            break
        output += data
        if keys and until in output:
            os.write(master, keys)
            keys = b""
    os.close(master)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), output


def test_wsh(container):
    status, output = wsh(container, "--", "/bin/sh", "-c", "id -u; pwd; tty; exit 9")
    tap.check(status == 9 and f"{VCAP}\r\n/home/vcap\r\n/dev/pts/".encode() in output, "wsh runs a command as vcap", status, output)
    status, output = wsh(container, "--user", "root", "--", "/bin/sh", "-c", "id -u; read line; echo got $line; stty size; kill -TERM $$", keys=b"word\r", until=b"0\r\n")
    tap.check(status == 128 + signal.SIGTERM and b"got word\r\n" in output and b"31 97" in output, "and as root, with input, the window's size and a signal", status, output)
    status, output = wsh(container, keys=b"exit 3\r", until=b"$")
    tap.check(status == 3, "and a shell", status, output)
    status, output = wsh(container, "--user", "nobody")
    tap.check(status == 255 and b"no user nobody" in output, "an unknown user", status, output)
    status, output = wsh(container, "--", "/no/such")
    tap.check(status == 255 and b"execute program: /no/such: No such file" in output, "an unknown program", status, output)
    done = subprocess.run([program("wsh"), "--socket", os.path.join(container.directory, "run", "monitor.sock"), "--", "/bin/cat"], input=b"piped\n", capture_output=True, check=False, timeout=30)
    tap.check(b"piped" in done.stdout and done.returncode in (0, 129), "without a terminal of its own", done)
    tap.check(container.connect().ask("AWAIT_EMPTY").kind == "OK", "nothing of them is left")


def test_faults():
    steps = subprocess.run([program("monitor"), "--steps"], capture_output=True, text=True, check=True).stdout.splitlines()
    tap.check(len(steps) == len(set(steps)) > 20, "every step has a name of its own", steps)


def main():
    canary = world.make("canary")
    with open(os.path.join(canary, "bird"), "w", encoding="ascii") as out:
        out.write("sings")
    container = Container(world, 1)
    if tap.check(container.reply.kind == "OK", "a container is created", container.reply):
        test_mounts(container)
        test_writes(container)
        test_wsh(container)
        tap.check(container.destroy()[0], "destroyed")
    test_images(canary)
    test_volumes()
    test_faults()
    world.end(tap)


main()
