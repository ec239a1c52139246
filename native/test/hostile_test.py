"""What a hostile container, or a host in an unusual state, does to a container's borders, its monitor and its PID 1."""
import ctypes
import errno
import os
import resource
import select
import signal
import stat
import subprocess
import time

# The build in which freed memory is worthless at once.
os.environ.setdefault("MONITOR_VARIANT", "faults")

from container import Container, Tap, TestWorld, cpu_seconds, make_image, program, run, status_field, wait_until  # noqa: E402

tap = Tap()
world = TestWorld()


def test_propagation():
    """Where mounts of the host are shared, as systemd has it, later ones stay outside."""
    source, single, image = world.make("shared-source"), world.make("shared-single"), make_image(os.path.join(world.base, "shared-image"))
    for path in (source, single, image):
        os.mkdir(os.path.join(path, "later"))
    run("mount", "--bind", source, source)
    run("mount", "--make-rshared", "/")
    container = Container(world, 20, ("MOUNT", [("SOURCE", source), ("DESTINATION", "/recursive"), ("FLAGS", 2)]),
                          ("MOUNT", [("SOURCE", single), ("DESTINATION", "/single"), ("FLAGS", 0)]), lower=image)
    if tap.check(container.reply.kind == "OK", "a container on a host with shared mounts", container.reply):
        for pid, whose in ((container.init(), "the container"), (container.pid, "its monitor")):
            with open(f"/proc/{pid}/mountinfo", encoding="utf-8") as mounts:
                tied = [line for line in mounts if "shared:" in line or "master:" in line]
            tap.check(not tied, f"no mount of {whose} is a peer of the host's", tied)
        for path in (source, single, image):
            run("mount", "-t", "tmpfs", "later", os.path.join(path, "later"))
            with open(os.path.join(path, "later", "secret"), "w", encoding="ascii") as out:
                out.write("of the host")
        out, _, _ = container.run("ls /recursive/later /single/later /later; grep -c ' later ' /proc/self/mountinfo", privileged=True)
        tap.check(b"secret" not in out and out.endswith(b"\n0\n"), "what the host mounts later does not appear inside", out)
        for path in (source, single, image):
            run("umount", os.path.join(path, "later"))
        tap.check(container.destroy()[0], "destroyed")
    run("mount", "--make-rprivate", "/")
    run("umount", source)


def job_groups(container):
    """Names of the groups that jobs of the container have, in any hierarchy."""
    return [name for path in container.world.groups.left() if path.endswith(f"/lt{container.number}") for name in os.listdir(path) if name.startswith("job-")]


def test_short_background(container):
    """Jobs whose background processes outlive them by a moment leave nothing for good, although the container is never empty."""
    stay, _, _ = container.spawn("echo up; exec sleep 1000")
    stay.read()
    for _ in range(20):
        container.run("(exec sleep 0.1) >/dev/null 2>&1 </dev/null &")
    tap.check(len(job_groups(container)) > 1, "groups of jobs with a background process stay", job_groups(container))
    tap.check(wait_until(lambda: len(job_groups(container)) == 1), "and go some time after it", job_groups(container))
    container.connect().ask("SIGNAL_ALL", ("SIGNAL", 9))
    stay.output()
    stay.close()
    tap.check(container.connect().ask("AWAIT_EMPTY").kind == "OK", "then it is empty")


def test_lost_together():
    """PID 1 dies while a forgotten job's pipes are held by a background process: draining one job's output frees another job."""
    container = Container(world, 30)
    for _ in range(130):
        container.run("sleep 1000 & true")
    first = [os.pidfd_open(pid) for pid in world.processes() if pid != container.init()]
    container.run("sleep 1000 & true")
    container.spawn(None, arguments=("/bin/sleep", "1000"), follow=False)[0].close()
    # While it stands still more pipes close than it looks at in one turn, the last job's neighbour's after all others.
    os.kill(container.pid, signal.SIGSTOP)
    for process in first:
        signal.pidfd_send_signal(process, signal.SIGKILL)
        select.select([process], [], [], 10)
        os.close(process)
    os.kill(container.init(), signal.SIGKILL)
    tap.check(bool(select.select([container.init_pidfd], [], [], 10)[0]), "PID 1 dies with many jobs")
    os.kill(container.pid, signal.SIGCONT)
    waiting = container.connect()
    tap.check(waiting.ask("AWAIT_EMPTY").kind == "OK", "its monitor lives on")
    waiting.close()
    tap.check(container.destroy()[0], "and can be asked to destroy it")


def test_wshd_stands_still(container):
    """Packets that wshd does not take wait for it; the monitor does not."""
    large = ("ENVIRONMENT", "X=" + "x" * 120000)
    ready, _, _ = container.spawn("trap 'echo got; exit 5' TERM; echo up; while :; do sleep 0.01; done")
    ready.read()
    os.kill(container.init(), signal.SIGSTOP)
    jobs = []
    for _ in range(6):
        connection = container.connect()
        container.next_job += 1
        connection.send("SPAWN", ("JOB_ID", container.next_job), ("ARGUMENT", "/bin/true"), large, ("UID", 0), ("GID", 0), ("WORKING_DIRECTORY", "/"), ("FOLLOW_OUTPUT", 1))
        jobs.append((connection, container.next_job))
    begin = time.monotonic()
    other = container.connect()
    replies = [other.ask("LIST").kind for _ in range(20)] + [other.ask("SIGNAL_ALL", ("SIGNAL", 15)).kind]
    tap.check(set(replies) == {"OK"} and time.monotonic() - begin < 1, "others are answered at once while wshd takes nothing", time.monotonic() - begin, replies)
    os.kill(container.init(), signal.SIGCONT)
    chunks, end = ready.output()
    tap.check(end.number("EXIT_VALUE") == 5, "the signal arrives when it does again", chunks, end)
    kinds = [(connection.read().kind, connection.read().kind) for connection, _ in jobs]
    tap.check(set(kinds) == {("OK", "EXIT")}, "and every job is started", kinds)
    for connection, job in jobs:
        connection.ask("FORGET", ("JOB_ID", job))
        connection.close()
    ready.close()
    other.close()


def test_pid_1(container):
    """Root of the container cannot touch PID 1; and PID 1 survives having too few descriptors."""
    script = """for f in oom_score_adj timerslack_ns comm coredump_filter; do (echo 1 > /proc/1/$f) 2>/dev/null && echo wrote $f; done
        for n in 1 4; do (kill -0 1; cat /proc/1/maps /proc/1/environ; readlink /proc/1/exe) 2>/dev/null; done
        prlimit --pid $$ --nofile=10:10 && echo works on oneself; prlimit --pid 1 --nofile=3:3 && echo changed limits
        perl -e 'use POSIX; setgid(65535); exec "prlimit", "--pid", "1", "--nofile=3:3"' && echo changed limits; true"""
    out, err, end = container.run(script, privileged=True)
    tap.check(out == b"works on oneself\n", "root of the container changes neither files nor limits of PID 1", out, err, end)
    tap.check(os.stat(f"/proc/{container.init()}/oom_score_adj").st_uid == 0, "which belong to the host's root")
    hard = resource.prlimit(container.init(), resource.RLIMIT_NOFILE)[1]
    resource.prlimit(container.init(), resource.RLIMIT_NOFILE, (5, hard))
    _, _, reply = container.run("true")
    tap.check(reply.kind == "ERROR" and reply.number("ERRNO") != errno.ESRCH, "a job whose descriptors find no room fails", reply)
    resource.prlimit(container.init(), resource.RLIMIT_NOFILE, (hard, hard))
    tap.check(container.run("echo x")[0] == b"x\n", "and PID 1 lives on")


def test_device_node():
    """A device's node in place of an account file is not even opened."""
    libc = ctypes.CDLL(None, use_errno=True)
    image = make_image(os.path.join(world.base, "image-with-node"))
    path = os.path.join(image, "etc", "passwd")
    os.unlink(path)
    os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 5))
    watch = libc.inotify_init1(os.O_NONBLOCK)
    assert libc.inotify_add_watch(watch, path.encode(), 0x20) > 0   # IN_OPEN
    container = Container(world, 41, lower=image)
    tap.check(container.reply.kind == "OK" and not select.select([watch], [], [], 0)[0], "a device in place of an account file is not opened", container.reply)
    with open(path, "rb") as zero:
        tap.check(zero.read(1) == b"\0" and select.select([watch], [], [], 0)[0], "which would have been seen")
    os.close(watch)
    tap.check(container.destroy()[0], "destroyed")


def test_foreign_process(container):
    """What is not of the container is not signalled, whatever a group's list says: as when a number was given to another process."""
    connection, job, _ = container.spawn("sleep 1000 & echo up; wait")
    connection.read()
    wait_until(lambda: f"job-{job}" in job_groups(container))
    group = next(os.path.join(path, f"job-{job}") for path in world.groups.left() if os.path.isdir(os.path.join(path, f"job-{job}")))
    foreign = subprocess.Popen(["sleep", "1000"])
    world.groups.write(group, "cgroup.procs", str(foreign.pid))
    container.connect().ask("KILL_JOB", ("JOB_ID", job), ("SIGNAL", 9))
    _, end = connection.output()
    tap.check(end.number("EXIT_KIND") == 2 and foreign.poll() is None, "a process of the host is not killed with a job", end, foreign.poll())
    foreign.kill()
    foreign.wait()
    connection.ask("FORGET", ("JOB_ID", job))
    tap.check(wait_until(lambda: not os.path.isdir(group)), "and the group goes")
    connection.close()


def test_many_die(container):
    """More orphans dead at once than PID 1 reaps in a turn: a job starts in between, and the container is empty at the end."""
    container.run("for i in $(seq 700); do sleep 1000 & done; exit 0")
    init = container.init()
    os.kill(init, signal.SIGSTOP)
    for pid in [pid for pid in world.processes() if pid != init]:
        os.kill(pid, signal.SIGKILL)
    connection = container.connect()
    connection.send("SPAWN", ("JOB_ID", 99999), ("ARGUMENT", "/bin/true"), ("UID", 0), ("GID", 0), ("WORKING_DIRECTORY", "/"), ("FOLLOW_OUTPUT", 1))
    os.kill(init, signal.SIGCONT)
    tap.check((connection.read().kind, connection.output()[1].number("EXIT_VALUE")) == ("OK", 0), "a job starts among many dead")
    connection.ask("FORGET", ("JOB_ID", 99999))
    tap.check(connection.ask("AWAIT_EMPTY").kind == "OK" and world.processes() == [init], "and all are reaped")
    connection.close()


def switches(pid):
    return int(status_field(open(f"/proc/{pid}/status", encoding="ascii").read(), "voluntary_ctxt_switches"))


def test_killing_ends():
    """With groups of version 2 the monitor stops killing when nobody is left, also when the group itself stays."""
    container = Container(world, 42, cgroups=2)
    connection, job, _ = container.spawn("for i in $(seq 50); do sleep 1000 & done; echo up; wait")
    connection.read()
    group = next(os.path.join(path, f"job-{job}") for path in world.groups.left() if os.path.isdir(os.path.join(path, f"job-{job}")))
    os.mkdir(os.path.join(group, "stays"))
    container.connect().ask("KILL_JOB", ("JOB_ID", job), ("SIGNAL", 9))
    connection.output()
    connection.ask("AWAIT_EMPTY")
    before = switches(container.pid)
    select.select([container.pidfd], [], [], 0.5)
    tap.check(switches(container.pid) - before < 20, "a job that is dead is not killed again and again", switches(container.pid) - before)
    os.rmdir(os.path.join(group, "stays"))
    connection.close()
    tap.check(container.destroy()[0], "destroyed")


def test_no_descriptors(container):
    """A monitor without descriptors to spare waits instead of trying for ever."""
    limits = resource.prlimit(container.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(container.pid, resource.RLIMIT_NOFILE, (3, limits[1]))
    waiting = container.connect()
    waiting.send("LIST")
    begin, before = time.monotonic(), cpu_seconds(container.pid)
    select.select([waiting.sock], [], [], 1)
    used = (cpu_seconds(container.pid) - before) / (time.monotonic() - begin)
    tap.check(used < 0.2, f"a connection that finds no descriptor costs {used:.0%} of a processor")
    resource.prlimit(container.pid, resource.RLIMIT_NOFILE, limits)
    tap.check(waiting.read().kind == "OK", "and is served when there is one")
    waiting.close()


def test_calls():
    """Socket families, protocols and line disciplines, for both architectures of a process."""
    container = Container(world, 40, ("MOUNT", [("SOURCE", program("call-probe", "test")), ("DESTINATION", "/call-probe"), ("FLAGS", 1)]))
    out, err, end = container.run(None, arguments=("/call-probe",), privileged=True)
    seen = {tuple(line.split()[:3]): int(line.split()[3]) for line in out.decode().splitlines()}
    tap.check(end.number("EXIT_VALUE") == 0 and len(seen) == 2 * (2 * 46 + 256 + 2) + 4, "the probe runs", end, err, len(seen))
    for architecture in ("x86-64", "i386"):
        families = {family: seen[architecture, "socket", str(family)] for family in range(46)}
        expected = {family: {1: 0, 2: 0, 16: 0, 10: errno.EAFNOSUPPORT}.get(family, errno.EPERM) for family in families}
        tap.check(families == expected, f"{architecture}: sockets of UNIX, INET and NETLINK only", families)
        pairs = {family: seen[architecture, "socketpair", str(family)] for family in range(46)}
        tap.check(pairs == {family: 0 if family == 1 else errno.EPERM for family in pairs}, f"{architecture}: pairs of UNIX sockets only", pairs)
        raw = {protocol: seen[architecture, "raw", str(protocol)] for protocol in range(256)}
        unknown = [protocol for protocol in raw if protocol not in (0, 1, 6, 17) and raw[protocol] != errno.EPROTONOSUPPORT]
        tap.check(not unknown and 0 not in raw.values(), f"{architecture}: INET for ICMP, TCP and UDP only", unknown)
        tap.check(seen[architecture, "TIOCSETD", "0"] == errno.EPERM and seen[architecture, "TIOCGETD", "0"] == 0, f"{architecture}: line disciplines stay", seen[architecture, "TIOCSETD", "0"], seen[architecture, "TIOCGETD", "0"])
    tap.check(seen["i386", "socketcall", "1"] == seen["i386", "socketcall", "8"] == errno.EPERM, "socketcall makes no socket")
    tap.check(seen["x86-64", "wide", "255"] == errno.EPROTONOSUPPORT and seen["x86-64", "wide", "17"] == 0, "the upper half of a protocol changes nothing")
    tap.check(container.destroy()[0], "destroyed")


def main():
    test_propagation()
    container = Container(world, 1)
    if tap.check(container.reply.kind == "OK", "a container is created", container.reply):
        for test in (test_short_background, test_wshd_stands_still, test_pid_1, test_foreign_process, test_no_descriptors, test_many_die):
            test(container)
        tap.check(container.destroy()[0], "destroyed")
    test_lost_together()
    test_calls()
    test_device_node()
    test_killing_ends()
    world.end(tap)


main()
