"""Jobs through the monitor's socket: what they are, how they end, who hears of it."""
import errno
import os
import select
import signal
import socket
import struct
import time

from container import VCAP, Container, Tap, TestWorld, join, status_field, u64, wait_until
from wire import attributes, frame

tap = Tap()
world = TestWorld()


def test_identity(container):
    out, err, end = container.run("cat /proc/self/status; id -u; id -G; pwd; umask; ls /proc/self/fd; readlink /proc/self/fd/0; env | sort")
    text = out.decode()
    tap.check(end.number("EXIT_KIND") == 1 and end.number("EXIT_VALUE") == 0 and err == b"", "a job runs and exits", end, err)
    for name, value in (("CapInh", "0" * 16), ("CapPrm", "0" * 16), ("CapEff", "0" * 16), ("CapBnd", "0" * 16), ("CapAmb", "0" * 16), ("NoNewPrivs", "1"),
                        ("Seccomp", "2")):
        tap.check(status_field(text, name) == value, f"{name} of a job is {value}", status_field(text, name))
    tap.check(f"\n{VCAP}\n{VCAP}\n/home/vcap\n0022\n" in text, "its user, one group, directory and umask", text)
    tap.check("\n0\n1\n2\n3\n" in text and "\n4\n" not in text.split("0022")[1], "it has three descriptors, and ls one more", text)
    out, _, _ = container.run("cat /proc/self/status; cat /etc/passwd; touch /x && stat -c %u:%g /x", privileged=True)
    text = out.decode()
    tap.check(status_field(text, "CapEff") == "00000000000005eb" and status_field(text, "CapBnd") == "00000000000005eb" and status_field(text, "CapInh") == "0" * 16,
              "a privileged job has the given capabilities and no more", text)
    tap.check("root:x:0:0" in text and f"vcap:x:{VCAP}:{VCAP}:" in text and "vcap:x:7" not in text, "vcap's line of the image was replaced", text)
    owner = os.stat(os.path.join(container.directory, "upper", "x")).st_uid
    tap.check(owner == container.base and "0:0" in text, "its files belong to an id of the container's own on the host", owner)


def test_input(container):
    out, _, _ = container.run("read line\nthe next line\necho \"got $line\"")
    tap.check(out == b"got the next line\n", "the script is standard input", out)
    big = "#" * (1 << 20) + "\necho end\n"
    tap.check(container.run(big)[0] == b"end\n", "a script of a mebibyte")
    out, _, end = container.run(None, arguments=("/bin/cat",))
    tap.check(out == b"" and end.number("EXIT_VALUE") == 0, "without a script standard input is empty", out, end)
    out, err, end = container.run("echo x >> /dev/stdin && echo written; exec 3<>/proc/self/fd/0")
    tap.check(b"written" not in out, "the script cannot be written to", out, err)


def test_ends(container):
    for script, kind, value in (("exit 7", 1, 7), ("exit 255", 1, 255), ("kill -TERM $$", 2, 15), ("kill -KILL $$", 2, 9), ("", 1, 0), ("no-such-command", 1, 127)):
        _, _, end = container.run(script)
        tap.check((end.number("EXIT_KIND"), end.number("EXIT_VALUE")) == (kind, value), f"how '{script}' ends", end)
    _, _, reply = container.run(None, arguments=("/no/such/program",))
    tap.check(reply.kind == "ERROR" and reply.number("ERRNO") == errno.ENOENT and reply.text("STEP") == "execute program", "a program that does not exist", reply)
    _, _, reply = container.run(None, arguments=("no-such-program",))
    tap.check(reply.kind == "ERROR" and reply.number("ERRNO") == errno.ENOENT, "… also when it is searched for", reply)
    _, _, reply = container.run(None, arguments=("/etc/passwd",))
    tap.check(reply.kind == "ERROR" and reply.number("ERRNO") == errno.EACCES, "a file that is no program", reply)
    listing = container.connect().ask("LIST")
    tap.check(listing.kind == "OK" and "JOB" not in listing, "no job is left of them", listing)
    tap.check(os.listdir(os.path.join(container.directory, "jobs")) == [], "and no file", os.listdir(os.path.join(container.directory, "jobs")))


def test_table(container):
    connection, job, _ = container.spawn("read x < /tmp/gate; echo done", follow=False)
    tap.check(connection.ask("FORGET", ("JOB_ID", job)).number("ERRNO") == errno.EBUSY, "a running job is not forgotten")
    reply = connection.ask("SPAWN", ("JOB_ID", job), ("ARGUMENT", "/bin/true"), ("UID", 0), ("GID", 0), ("WORKING_DIRECTORY", "/"))
    tap.check(reply.number("ERRNO") == errno.EEXIST, "its number is not given to another", reply)
    tap.check(connection.ask("FOLLOW", ("JOB_ID", 77777), ("POSITION", u64(0))).number("ERRNO") == errno.ENOENT, "an unknown job")
    container.run("true")
    watcher = container.connect()
    watcher.ask("WATCH")
    connection.ask("KILL_JOB", ("JOB_ID", job), ("SIGNAL", 15))
    tap.check(watcher.read().number("JOB_ID") == job, "its end is an event")
    watcher.close()
    tap.check(os.path.exists(os.path.join(container.directory, "jobs", f"{job}.exit")), "the exit record of a job that nobody followed is on disk")
    reply = connection.ask("FOLLOW", ("JOB_ID", job), ("POSITION", u64(0)))
    _, end = connection.output() if reply.kind == "OK" else (None, reply)
    tap.check((end.number("EXIT_KIND"), end.number("EXIT_VALUE")) == (1, 0) or end.number("EXIT_KIND") == 2, "a job ends by a signal", end)
    listing = connection.ask("LIST")
    fields = dict(_nested(listing["JOB"]))
    tap.check(fields["STATE"] == b"\2\0\0\0" and "EXIT_KIND" in fields, "it is listed as ended", fields)
    tap.check(connection.ask("FOLLOW", ("JOB_ID", job), ("POSITION", u64(10**6))).number("ERRNO") == errno.EINVAL, "a position beyond its output")
    tap.check(connection.ask("FORGET", ("JOB_ID", job)).kind == "OK", "it is forgotten")
    tap.check(connection.ask("FORGET", ("JOB_ID", job)).number("ERRNO") == errno.ENOENT, "once")
    connection.close()


def _nested(body):
    return attributes(body)


def test_background(container):
    script = "(trap '' HUP; exec sleep 1000) & echo started"
    begin = time.monotonic()
    out, _, end = container.run(script)
    tap.check(out == b"started\n" and end.number("EXIT_VALUE") == 0 and time.monotonic() - begin < 20, "a background process does not hold the end", out, end)
    out, _, _ = container.run("pgrep -x sleep | wc -l")
    tap.check(out == b"1\n", "it lives on", out)
    waiting = container.connect()
    waiting.send("AWAIT_EMPTY")
    tap.check(not select.select([waiting.sock], [], [], 0.2)[0], "the container is not empty")
    container.connect().ask("SIGNAL_ALL", ("SIGNAL", signal.SIGKILL))
    tap.check(waiting.read().kind == "OK", "after SIGNAL_ALL it is")
    tap.check(container.connect().ask("AWAIT_EMPTY").kind == "OK", "and still is")


def test_end_all(container):
    follower, job, _ = container.spawn("trap 'exit 5' TERM; (trap '' TERM HUP; echo ready; exec sleep 1000) & wait")
    follower.read()
    deaf = container.connect()
    deaf.send("AWAIT_EMPTY", ("SIGNAL", signal.SIGTERM))
    end = follower.read()
    tap.check(end.kind == "EXIT" and end.number("EXIT_VALUE") == 5, "AWAIT_EMPTY with a signal sends it", end)
    tap.check(not select.select([deaf.sock], [], [], 0.2)[0], "and waits for those that do not go")
    ending = container.connect()
    tap.check(ending.ask("AWAIT_EMPTY", ("SIGNAL", signal.SIGKILL)).kind == "OK" and deaf.read().kind == "OK", "another signal ends all")
    tap.check(container.connect().ask("AWAIT_EMPTY", ("SIGNAL", 65)).kind == "ERROR", "one that there is not is refused")
    out, _, _ = container.run("pgrep -x sleep | wc -l")
    tap.check(out == b"0\n", "nobody is left, and jobs go on to be run", out)


def test_kill_job(container):
    script = "setsid setsid sleep 1000 & sleep 1000 & echo ready; wait"
    connection, job, _ = container.spawn(script)
    other, other_job, _ = container.spawn("sleep 1000 & echo ready; wait")
    connection.read()
    other.read()
    tap.check(container.connect().ask("KILL_JOB", ("JOB_ID", job), ("SIGNAL", 9)).kind == "OK", "KILL_JOB")
    _, end = connection.output()
    tap.check((end.number("EXIT_KIND"), end.number("EXIT_VALUE")) == (2, 9), "the job is killed", end)
    out, _, _ = container.run("pgrep -x sleep | wc -l")
    tap.check(out == b"1\n", "with those that left its session, and without other jobs' processes", out)
    container.connect().ask("KILL_JOB", ("JOB_ID", other_job), ("SIGNAL", 9))
    other.output()
    for each in (job, other_job):
        connection.ask("FORGET", ("JOB_ID", each))
    tap.check(container.connect().ask("AWAIT_EMPTY").kind == "OK", "then the container is empty")


def test_rlimits(container):
    watcher = container.connect()
    watcher.ask("WATCH")
    limit = ("RLIMIT", [("RESOURCE", 7), ("SOFT", u64(100)), ("HARD", u64(200))])
    out, _, _ = container.run("ulimit -Sn; ulimit -Hn", limit)
    tap.check(out == b"100\n200\n", "an rlimit of one job", out)
    tap.check(watcher.read().number("EVENT") == 3, "no event but its end")
    out, _, _ = container.run("ulimit -Sn")
    tap.check(out != b"100\n", "the next job has its own", out)
    watcher.read()
    out, _, _ = container.run("ulimit -Sn; ulimit -Hn", ("RLIMIT", [("RESOURCE", 7), ("SOFT", u64(300)), ("HARD", u64(200))]))
    tap.check(out == b"200\n200\n", "a soft limit above the hard one is lowered to it", out)
    watcher.read()
    out, _, _ = container.run("pwd", ("WORKING_DIRECTORY", "/tmp"), ("RLIMIT", [("RESOURCE", 7), ("SOFT", u64(4)), ("HARD", u64(4))]))
    tap.check(out in (b"/tmp\n", b""), "few descriptors do not move a job elsewhere", out)
    watcher.read()
    core = ("RLIMIT", [("RESOURCE", 4), ("SOFT", u64(1)), ("HARD", u64(1))])
    out, _, _ = container.run("ulimit -c 0; while read -r line; do case $line in *core*) echo $line;; esac; done < /proc/self/limits", core)
    tap.check(out == b"Max core file size 1 1 bytes\n", "the limit of core files is the description's, and no job changes it", out)
    watcher.read()
    out, _, end = container.run("ulimit -Hn", ("RLIMIT", [("RESOURCE", 7), ("SOFT", u64(2**40)), ("HARD", u64(2**40))]))
    event = watcher.read()
    tap.check(event.number("EVENT") == 4 and event.number("RESOURCE") == 7 and out.strip() == str(struct.unpack("<Q", event["HARD"])[0]).encode(),
              "a limit that cannot be raised is clamped, and told", event, out, end)
    watcher.close()


def test_bad_frames(container):
    for data in (b"\xff" * 64, struct.pack("<IHH", 2**31, 13, 0), frame("LIST")[:6] + b"\1\0", struct.pack("<IHH", 9, 13, 0) + b"\x51\0\0\0\xff\0\0\0\0"):
        bad = container.connect()
        bad.sock.sendall(data)
        bad.sock.shutdown(socket.SHUT_WR)
        tap.check(bad.sock.recv(100) == b"", "a malformed frame closes its connection", data)
        bad.close()
    tap.check(container.connect().ask("LIST").kind == "OK", "and no other")
    connection = container.connect()
    connection.sock.sendall(frame("LIST") + frame("LIST"))
    tap.check(connection.read().kind == "OK" and connection.read().kind == "OK", "two requests at once are served one by one")
    tap.check(connection.ask("CREATE").number("ERRNO") == errno.EBADMSG, "a request that is not the monitor's")
    connection.close()


def test_many(container):
    connections = [container.spawn(f"echo {i}; exit {i % 100}")[0] for i in range(60)]
    results = [connection.output() for connection in connections]
    tap.check(all(join(chunks) == f"{i}\n".encode() and end.number("EXIT_VALUE") == i % 100 for i, (chunks, end) in enumerate(results)), "60 jobs at once")
    sockets = [container.connect() for _ in range(40)]
    for i, connection in enumerate(sockets):
        connection.send("SPAWN", ("JOB_ID", 5000 + i), ("ARGUMENT", "/bin/true"), ("UID", 0), ("GID", 0), ("WORKING_DIRECTORY", "/"), ("FOLLOW_OUTPUT", 1))
    replies = [(connection.read().kind, connection.read().kind) for connection in sockets]
    tap.check(set(replies) == {("OK", "EXIT")}, "40 SPAWN before an answer was read", replies)
    for connection in connections + sockets:
        connection.close()


def test_stopped():
    """A process that stops every other one also stops a job that shares wshd's memory on its way to its program."""
    container = Container(world, 13)
    tap.check(container.reply.kind == "OK", "a container is created", container.reply)
    container.spawn("while :; do kill -STOP -1; done 2>/dev/null", privileged=True, follow=False)[0].close()
    connections = [container.connect() for _ in range(4)]
    for number, connection in enumerate(connections):
        connection.send("SPAWN", ("JOB_ID", 100 + number), ("ARGUMENT", "/bin/true"), ("UID", 0), ("GID", 0), ("PRIVILEGED", 1), ("WORKING_DIRECTORY", "/"),
                        ("OUTPUT_LIMIT", u64(100)), ("FOLLOW_OUTPUT", 0))
    begin = time.monotonic()
    replies = [connection.read() for connection in connections]
    tap.check(time.monotonic() - begin < 12, "stopped jobs do not stop wshd for good", replies)
    tap.check(container.connect().ask("LIST").kind == "OK" and container.destroy()[0], "and the container can be destroyed")
    for connection in connections:
        connection.close()


def test_events_are_kept():
    container = Container(world, 14)
    clamp = ("RLIMIT", [("RESOURCE", 7), ("SOFT", u64(2**40)), ("HARD", u64(2**40))])
    for _ in range(2):
        container.run("ulimit -Hn", clamp)
        _, _, end = container.run("head -c 11 /dev/zero", limit=10)
    tap.check(end.number("OUTPUT_CUT") == 1 and "OUTPUT_CUT" not in container.run("echo x")[2], "EXIT says that output was cut off", end)
    _, cut, _ = container.spawn("head -c 11 /dev/zero", limit=10, follow=False)
    container.connect().ask("AWAIT_EMPTY")
    job = dict(_nested(container.connect().ask("LIST")["JOB"]))
    tap.check("OUTPUT_CUT" in job and struct.unpack("<I", job["JOB_ID"])[0] == cut, "and so does LIST", job)
    os.kill(container.init(), signal.SIGKILL)
    container.connect().ask("AWAIT_EMPTY")
    for number in (1, 2):
        watcher = container.connect()
        tap.check(watcher.ask("WATCH").kind == "OK", f"watcher {number} of what is over")
        events = [watcher.read().number("EVENT") for _ in range(3)]
        tap.check(events == [4, 1, 2], "is told each different event, in order, and of PID 1", events)
        watcher.close()
    tap.check(container.destroy()[0], "it is destroyed")


def test_wshd_dies():
    container = Container(world, 9)
    tap.check(container.reply.kind == "OK", "a container is created", container.reply)
    watcher = container.connect()
    watcher.ask("WATCH")
    connection, job, _ = container.spawn("echo before; sleep 1000")
    connection.read()
    waiting = container.connect()
    waiting.send("AWAIT_EMPTY")
    os.kill(container.init(), signal.SIGKILL)
    _, end = connection.output()
    tap.check(end.number("EXIT_KIND") == 3, "PID 1 dies: its job is lost", end)
    tap.check(waiting.read().kind == "OK", "who waits is answered")
    events = [watcher.read(), watcher.read()]
    tap.check({event.number("EVENT") for event in events} == {2, 3}, "watchers are told", events)
    _, _, reply = container.run("true")
    tap.check(reply.kind == "ERROR" and reply.number("ERRNO") == errno.ESRCH, "no more jobs", reply)
    reply = connection.ask("FOLLOW", ("JOB_ID", job), ("POSITION", u64(0)))
    chunks, _ = connection.output()
    tap.check(join(chunks) == b"before\n", "its output is still there", chunks)
    tap.check(container.connect().ask("SIGNAL_ALL", ("SIGNAL", 15)).kind == "OK", "signals reach everybody there is")
    tap.check(container.destroy()[0], "it is destroyed")


def groups_of_jobs(container):
    return {name for path in container.world.groups.left() if path.endswith(f"/lt{container.number}") for name in os.listdir(path) if "job" in name}


def test_prepared(container):
    """While one job runs, the group of the next is made; it becomes that job's, and afterwards the next one's."""
    connection, job, _ = container.spawn("echo ready; read x < /tmp/gate")
    connection.read()
    tap.check(wait_until(lambda: groups_of_jobs(container) == {f"job-{job}", "next-job"}), "the next job's group is made", groups_of_jobs(container))
    other, second, _ = container.spawn("echo ready; read x < /tmp/gate")
    other.read()
    tap.check(wait_until(lambda: groups_of_jobs(container) == {f"job-{job}", f"job-{second}", "next-job"}), "it takes the job's name", groups_of_jobs(container))
    for number in (job, second):
        container.connect().ask("KILL_JOB", ("JOB_ID", number), ("SIGNAL", 9))
    for number, followed in ((job, connection), (second, other)):
        followed.output()
        container.connect().ask("FORGET", ("JOB_ID", number))
    tap.check(container.connect().ask("AWAIT_EMPTY").kind == "OK" and wait_until(lambda: groups_of_jobs(container) == {"next-job"}), "only the next one's stays", groups_of_jobs(container))


def test_scripts(container):
    """A script is read as it was sent, however long, also from the file that was prepared for it."""
    for script in ("a", "", "a\nb", "\n", "x" * 5000, ""):
        out, _, _ = container.run(script, arguments=("/bin/cat",))
        tap.check(out == script.encode(), f"a script of {len(script)} bytes", out[:80])


def next_group(container):
    """Its number, which no other group gets while it is there. It may come a moment after the end of the job before."""
    def numbers():
        made = [os.path.join(path, "next-job") for path in container.world.groups.left() if path.endswith(f"/lt{container.number}")]
        return [os.stat(path).st_ino for path in made if os.path.isdir(path)]

    assert wait_until(numbers), "no group was made for the next job"
    return numbers()[0]


def test_group_again(container):
    """The group of a job that leaves no process behind becomes the next job's, unless it has been frozen for a kill."""
    def after(script):
        text = container.run(script)[0].decode()
        container.connect().ask("AWAIT_EMPTY")
        return next_group(container), text

    # For a job that takes longer another one has been made.
    tap.check(wait_until(lambda: after("true")[0] == after("true")[0]), "it is used again")
    first, text = after("cat /proc/self/cgroup")
    tap.check("freezer:/next-job" in text or "freezer:/job-" in text, "by every job", text)
    connection, job, _ = container.spawn("echo ready; read x < /tmp/gate")
    connection.read()
    container.connect().ask("KILL_JOB", ("JOB_ID", job), ("SIGNAL", 9))
    connection.output()
    connection.ask("FORGET", ("JOB_ID", job))
    container.connect().ask("AWAIT_EMPTY")
    tap.check(after("true")[0] != first, "but not when its processes were killed")
    container.run("sleep 1000 >&- 2>&- & true")
    job = container.next_job
    text = container.run("cat /proc/self/cgroup")[0].decode()
    tap.check(f"/job-{container.next_job}\n" in text or "/next-job\n" in text and f"job-{job}" in groups_of_jobs(container), "that of a job which leaves a process is no other job's", text)
    tap.check(wait_until(lambda: f"job-{job}" in groups_of_jobs(container)), "and keeps its name", groups_of_jobs(container))
    container.connect().ask("AWAIT_EMPTY", ("SIGNAL", 9))
    tap.check(wait_until(lambda: groups_of_jobs(container) <= {"next-job"}), "until that is gone", groups_of_jobs(container))


def test_forget(container):
    """A job that is to be forgotten with its EXIT is, unless it has more output than it says."""
    for script, limit, forgotten in (("echo a", 2, 1), ("echo ab", 2, None), ("true", 0, 1)):
        connection, job, _ = container.spawn(script, ("FORGET_UP_TO", u64(limit)))
        _, end = connection.output()
        tap.check(end.number("FORGOTTEN") == forgotten, f"{script}: told whether it is forgotten", end)
        reply = connection.ask("FORGET", ("JOB_ID", job))
        tap.check((reply.kind == "ERROR") == (forgotten == 1), f"{script}: it is", reply)
        reply = connection.ask("FOLLOW", ("JOB_ID", job), ("POSITION", u64(0)))
        tap.check(reply.kind == "ERROR" and reply.number("ERRNO") == errno.ENOENT, f"{script}: and nobody finds it", reply)
    # Who has gone has not been told: it stays.
    connection, job, _ = container.spawn("read x < /tmp/gate; exit 3", ("FORGET_UP_TO", u64(100)))
    connection.close()
    other = container.connect()
    other.ask("FOLLOW", ("JOB_ID", job), ("POSITION", u64(0)))
    container.connect().ask("KILL_JOB", ("JOB_ID", job), ("SIGNAL", 9))
    _, end = other.output()
    tap.check(end.number("FORGOTTEN") is None and end.number("EXIT_VALUE") == 9, "another follower is told nothing of it", end)
    tap.check(container.connect().ask("FORGET", ("JOB_ID", job)).kind == "OK", "it is there until it is forgotten")


def usage_of(end):
    """By the files' names."""
    return dict(value.split(b"\0", 1) for tag, value in attributes(end.body) if tag == "USAGE")


def test_usage(container):
    """Followers get the texts of the groups' files with EXIT, as they are at that moment; those that are not there are left out."""
    _, _, idle = container.run("true")
    tap.check(set(usage_of(idle)) == {b"pids.current", b"memory.stat"} and b"\npgfault " in usage_of(idle)[b"memory.stat"], "the end of a job tells what the container uses", usage_of(idle))
    _, _, end = container.run("for i in 1 2 3; do setsid sleep 1000 & done")
    more = int(usage_of(end)[b"pids.current"]) - int(usage_of(idle)[b"pids.current"])
    tap.check(more == 3, "at that moment: three processes more", more)
    tap.check(container.connect().ask("SIGNAL_ALL", ("SIGNAL", 9)).kind == "OK" and container.connect().ask("AWAIT_EMPTY").kind == "OK", "they are ended")
    connection, job, _ = container.spawn("true", follow=False)
    connection.ask("FOLLOW", ("JOB_ID", job), ("POSITION", u64(0)))
    _, end = connection.output()
    tap.check(int(usage_of(end)[b"pids.current"]) == int(usage_of(idle)[b"pids.current"]), "who follows later gets them as well", usage_of(end))
    connection.ask("FORGET", ("JOB_ID", job))


def test_destroy_if_empty():
    """Only a container without processes is destroyed by IF_EMPTY, and DEAD comes before its cgroups are gone."""
    container = Container(world, 15)
    tap.check(container.reply.kind == "OK", "a container is created", container.reply)
    container.run("setsid sleep 1000 & true")
    for _ in range(2):
        reply = container.connect().ask("DESTROY", ("IF_EMPTY", 1), ("TELL_DEAD", 1))
        tap.check(reply.kind == "ERROR" and reply.number("ERRNO") == errno.EBUSY, "with a process that is left it is not", reply)
    tap.check(container.run("echo living")[0] == b"living\n", "and nothing has changed")
    connection, _, _ = container.spawn(arguments=("/bin/sleep", "1000"))
    tap.check(container.connect().ask("DESTROY", ("IF_EMPTY", 1)).number("ERRNO") == errno.EBUSY, "nor with a job")
    tap.check(container.connect().ask("SIGNAL_ALL", ("SIGNAL", 9)).kind == "OK" and container.connect().ask("AWAIT_EMPTY").kind == "OK", "its processes are ended")
    connection.close()
    connection = container.connect()
    first = connection.ask("DESTROY", ("IF_EMPTY", 1), ("TELL_DEAD", 1))
    tap.check(first.kind == "DEAD" and bool(select.select([container.init_pidfd], [], [], 0)[0]), "then DEAD, when PID 1 is", first)
    last = connection.read()
    tap.check(last.kind == "OK" and not [path for path in container.world.groups.left() if path.endswith("/lt15")], "and OK, when its cgroups are gone", last)
    tap.check(bool(select.select([container.pidfd], [], [], 10)[0]), "the monitor ends")
    connection.close()
    container.close()


def test_monitor_dies():
    container = Container(world, 10)
    connection, _, _ = container.spawn("echo ready; sleep 1000")
    connection.read()
    os.kill(container.pid, signal.SIGKILL)
    tap.check(bool(select.select([container.init_pidfd], [], [], 10)[0]), "without its monitor a container dies")
    container.close()
    connection.close()
    # What then is left is for wardend's recovery.
    for path in container.world.groups.left():
        for name in os.listdir(path):
            if name.startswith("job-") or name == "next-job":
                os.rmdir(os.path.join(path, name))
        os.rmdir(path)


def main():
    container = Container(world, 1)
    if tap.check(container.reply.kind == "OK", "a container is created", container.reply):
        # A job waits at this gate: a FIFO that nobody opens for writing.
        container.run("mkfifo /tmp/gate; chmod 666 /tmp/gate")
        for test in (test_prepared, test_scripts, test_group_again, test_identity, test_input, test_ends, test_forget, test_usage, test_table, test_background, test_end_all, test_kill_job, test_rlimits, test_bad_frames, test_many):
            test(container)
        container.spawn("setsid sleep 1000 & while :; do (sleep 5 & sleep 5 &) ; done", follow=False)[0].close()
        done, reply = container.destroy()
        tap.check(done, "a container full of processes is destroyed", reply)
        tap.check(sorted(os.listdir(container.directory)) == ["jobs", "run", "upper", "work"] and not os.path.exists(os.path.join(container.directory, "run", "monitor.sock")),
                  "its directory stays, its socket goes")
        # A machine with version 2 alone, and one where jobs have no groups of their own.
        unified = Container(world, 11, cgroups=2)
        tap.check(unified.reply.kind == "OK", "a container with a group of version 2 only", unified.reply)
        test_kill_job(unified)
        _, _, end = unified.run("setsid sleep 1000 & yes", limit=100000)
        tap.check(end.number("EXIT_KIND") == 2 and unified.connect().ask("AWAIT_EMPTY").kind == "OK", "its jobs are killed at their limit", end)
        tap.check(unified.destroy()[0], "destroyed")
        bare = Container(world, 12, cgroups=0)
        tap.check(bare.reply.kind == "OK" and bare.run("echo x")[0] == b"x\n", "a container without cgroups", bare.reply)
        _, _, end = bare.run("yes", limit=100000)
        tap.check(end.number("EXIT_KIND") == 2, "its jobs end at their limit by SIGPIPE", end)
        tap.check(bare.destroy()[0], "destroyed")
        test_stopped()
        test_events_are_kept()
        test_wshd_dies()
        test_destroy_if_empty()
        test_monitor_dies()
    world.end(tap)


main()
