"""Jobs that end by the clock, LIST with what people want to know of a job, and FOLLOW that does not wait."""
import errno
import os
import signal
import struct
import time

from container import Container, Tap, TestWorld, join, u64
from wire import attributes

tap = Tap()
world = TestWorld()

JOB_ENDED, JOB_TIMED_OUT = 3, 6
NONE = 2**64 - 1


def timeout(milliseconds):
    return "TIMEOUT_MS", u64(milliseconds)


def number(data):
    return int.from_bytes(data, "little")


def jobs(container):
    """By id."""
    connection = container.connect()
    reply = connection.ask("LIST")
    connection.close()
    entries = [dict(attributes(value)) for tag, value in attributes(reply.body) if tag == "JOB"]
    return {number(entry["JOB_ID"]): entry for entry in entries}


def watch(container):
    watcher = container.connect()
    assert watcher.ask("WATCH").kind == "OK"
    return watcher


def killed(end):
    return (end.number("EXIT_KIND"), end.number("EXIT_VALUE")) == (2, signal.SIGKILL)


def test_timeout(container):
    watcher = watch(container)
    connection, job, _ = container.spawn("setsid setsid sleep 1000 & sleep 1000 & echo before; while :; do (sleep 3 & sleep 3 &); sleep 0.01; done", timeout(300))
    begin = time.monotonic()
    chunks, end = connection.output()
    tap.check(killed(end) and end.number("TIMED_OUT") == 1 and join(chunks) == b"before\n", "a job that runs too long is killed, and says why", end, chunks)
    tap.check(time.monotonic() - begin >= 0.25, "not before its time")
    events = [watcher.read(), watcher.read()]
    tap.check([event.number("EVENT") for event in events] == [JOB_TIMED_OUT, JOB_ENDED] and {event.number("JOB_ID") for event in events} == {job} and
              events[1].number("TIMED_OUT") == 1, "watchers are told", events)
    entry = jobs(container)[job]
    tap.check(number(entry["TIMED_OUT"]) == 1 and number(entry["EXIT_KIND"]) == 2, "it is listed so", entry)
    connection.ask("FORGET", ("JOB_ID", job))
    tap.check(container.connect().ask("AWAIT_EMPTY").kind == "OK", "every process of it is dead")
    connection.close()
    out, _, end = container.run("exit 3", timeout(60000))
    tap.check(end.number("EXIT_VALUE") == 3 and "TIMED_OUT" not in end, "one that is in time", end)
    tap.check("TIMED_OUT" not in watcher.read(), "its event does not speak of it")
    out, _, end = container.run("echo x", timeout(NONE))
    tap.check(out == b"x\n", "the longest time-out is none", end)
    watcher.close()
    reply = container.spawn("true", timeout(0))[2]
    tap.check(reply.kind == "ERROR" and reply.number("ERRNO") == errno.EINVAL, "none of 0 ms", reply)


def test_nobody_there(container):
    """The clock runs in the monitor: no connection is needed, and the record on the disk tells."""
    _, job, reply = container.spawn("trap '' TERM HUP INT; while :; do sleep 1000; done", timeout(200), follow=False)
    assert reply.kind == "OK"
    waiting = container.connect()
    tap.check(waiting.ask("AWAIT_EMPTY").kind == "OK", "a job that nobody follows, and that ignores signals, is over in time")
    record = open(os.path.join(container.directory, "jobs", f"{job}.exit"), encoding="ascii").read()
    tap.check(record == "1 2 9 0 timed-out\n", "its record says why", record)
    waiting.ask("FORGET", ("JOB_ID", job))
    waiting.close()
    late = watch(container)
    tap.check(late.read().number("EVENT") == JOB_TIMED_OUT, "a watcher that comes later is told that there was one")
    late.close()


def test_many_times(container):
    started = [container.spawn("sleep 1000", timeout(100 * after)) for after in (4, 1, 3, 2)]
    ends = [connection.output()[1] for connection, _, _ in started]
    order = [job for job, _ in sorted(((job, number(entry["ENDED_MS"])) for job, entry in jobs(container).items()), key=lambda pair: pair[1])]
    tap.check(all(killed(end) for end in ends) and order == [started[i][1] for i in (1, 3, 2, 0)], "several, each at its time", ends, order)
    for connection, job, _ in started:
        connection.ask("FORGET", ("JOB_ID", job))
        connection.close()


def test_list(container):
    before = int(time.time() * 1000)
    connection, job, _ = container.spawn("echo $$; read x < /tmp/gate; exit 4", ("COMMAND", "read x; exit 4 ä"))
    own = int(join([(0, 1, connection.read().body[12:])]))
    entry = jobs(container)[job]
    tap.check(number(entry["PID"]) == own, "the pid is the container's", entry, own)
    tap.check(entry["COMMAND"].decode() == "read x; exit 4 ä" and number(entry["STATE"]) == 1 and not {"ENDED_MS", "EXIT_KIND", "TIMED_OUT"} & set(entry), "a running job", entry)
    container.run("echo > /tmp/gate")
    connection.output()
    entry = jobs(container)[job]
    tap.check(before - 1 <= number(entry["STARTED_MS"]) <= number(entry["ENDED_MS"]) <= int(time.time() * 1000) + 1, "when it began and ended", entry)
    tap.check(number(entry["STATE"]) == 2 and number(entry["EXIT_VALUE"]) == 4 and number(entry["POSITION"]) == len(f"{own}\n"), "an ended one", entry)
    connection.ask("FORGET", ("JOB_ID", job))
    connection.close()
    reply = container.spawn("true", ("COMMAND", "x" * 257))[2]
    tap.check(reply.kind == "ERROR" and reply.number("ERRNO") == errno.E2BIG, "a command that is too long", reply)
    _, _, end = container.run("true", ("COMMAND", "y" * 256))
    tap.check(end.kind == "EXIT", "one of the largest length", end)


def read_now(container, job, position=0):
    """(output, EXIT) of a FOLLOW that does not wait."""
    connection = container.connect()
    reply = connection.ask("FOLLOW", ("JOB_ID", job), ("POSITION", u64(position)), ("NO_WAIT", 1))
    assert reply.kind == "OK", reply
    chunks, end = connection.output()
    # The connection can be used again.
    assert connection.ask("LIST").kind == "OK"
    connection.close()
    return join(chunks), end


def test_no_wait(container):
    connection, job, _ = container.spawn("echo one; read x < /tmp/gate; echo two; read x < /tmp/other-gate", follow=False)
    follower = container.connect()
    follower.ask("FOLLOW", ("JOB_ID", job), ("POSITION", u64(0)))
    follower.read()
    out, end = read_now(container, job)
    tap.check(out == b"one\n" and end.kind == "EXIT" and "EXIT_KIND" not in end, "what a running job has written so far", out, end)
    tap.check(read_now(container, job, 2)[0] == b"e\n" and read_now(container, job, 4) [0] == b"", "from a position, and from the end")
    container.run("echo > /tmp/gate")
    follower.read()
    tap.check(read_now(container, job, 4)[0] == b"two\n", "what came later")
    container.run("echo > /tmp/other-gate")
    follower.read()
    out, end = read_now(container, job)
    tap.check(out == b"one\ntwo\n" and (end.number("EXIT_KIND"), end.number("EXIT_VALUE")) == (1, 0), "of an ended one all, and how it ended", out, end)
    connection.ask("FORGET", ("JOB_ID", job))
    follower.close()
    # One that writes faster than it is read: the answer ends where the output ended when it was asked for.
    connection, job, _ = container.spawn("while :; do head -c 8192 /dev/zero; done", follow=False)
    reader = container.connect()
    reader.ask("FOLLOW", ("JOB_ID", job), ("POSITION", u64(0)))
    while struct.unpack_from("<Q", reader.read().body)[0] < 1 << 20:
        pass
    reader.close()
    out, end = read_now(container, job)
    tap.check(len(out) >= 1 << 20 and "EXIT_KIND" not in end, "of one that never stops writing", len(out), end)
    # Its end comes while a reader that does not wait is in the middle: the record is written for others all the same.
    slow = container.connect()
    slow.ask("FOLLOW", ("JOB_ID", job), ("POSITION", u64(0)), ("NO_WAIT", 1))
    container.connect().ask("KILL_JOB", ("JOB_ID", job), ("SIGNAL", 9))
    container.connect().ask("AWAIT_EMPTY")
    tap.check(os.path.exists(os.path.join(container.directory, "jobs", f"{job}.exit")), "a reader that does not wait does not count as one that is told of the end")
    chunks, end = slow.output()
    total = number(jobs(container)[job]["POSITION"])
    tap.check(("EXIT_KIND" in end) == (len(join(chunks)) == total), "who has less than all is not told an end", len(join(chunks)), total, end)
    slow.close()
    connection.ask("FORGET", ("JOB_ID", job))
    connection.close()


def test_without_groups():
    bare = Container(world, 2, cgroups=0)
    connection, job, _ = bare.spawn("sleep 1000 & sleep 1000", timeout(200))
    _, end = connection.output()
    tap.check(killed(end) and end.number("TIMED_OUT") == 1, "without cgroups the process group is killed", end)
    connection.ask("FORGET", ("JOB_ID", job))
    tap.check(bare.connect().ask("AWAIT_EMPTY").kind == "OK", "all of it")
    connection, job, _ = bare.spawn("trap 'echo got; exit 5' USR1; echo ready; while :; do sleep 0.01; done")
    other, other_job, _ = bare.spawn("echo ready; sleep 1000")
    connection.read()
    other.read()
    tap.check(bare.connect().ask("KILL_JOB", ("JOB_ID", job), ("SIGNAL", signal.SIGUSR1)).kind == "OK", "and KILL_JOB signals it")
    chunks, end = connection.output()
    tap.check(join(chunks).endswith(b"got\n") and end.number("EXIT_VALUE") == 5, "this job only", chunks, end)
    bare.connect().ask("KILL_JOB", ("JOB_ID", other_job), ("SIGNAL", signal.SIGTERM))
    tap.check(other.output()[1].number("EXIT_VALUE") == signal.SIGTERM, "the other one has its own")
    connection.close()
    other.close()
    tap.check(bare.destroy()[0], "destroyed")


def main():
    container = Container(world, 1)
    if tap.check(container.reply.kind == "OK", "a container is created", container.reply):
        container.run("mkfifo /tmp/gate /tmp/other-gate")
        for test in (test_timeout, test_nobody_there, test_many_times, test_list, test_no_wait):
            test(container)
        tap.check(container.destroy()[0], "it is destroyed")
        test_without_groups()
    world.end(tap)


main()
