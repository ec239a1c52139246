"""Standard input that stays open: INPUT at the pace of the job, whole and in order, and its end."""
import errno
import hashlib
import os
import select
import stat

from container import Container, Tap, TestWorld, join

tap = Tap()
world = TestWorld()


def start(container, script, *more, **options):
    """(connection that follows, job id)"""
    connection, job, reply = container.spawn(None, ("OPEN_INPUT", 1), *more, arguments=("/bin/bash", "-c", script), **options)
    assert reply.kind == "OK", reply
    return connection, job


def give(connection, job, content=None, close=False):
    return connection.ask("INPUT", ("JOB_ID", job), *([("CONTENT", content)] if content is not None else []), *([("CLOSE_INPUT", 1)] if close else []))


def end_of(connection, job):
    """(output, EXIT), and the job is forgotten."""
    chunks, end = connection.output()
    connection.ask("FORGET", ("JOB_ID", job))
    connection.close()
    return join(chunks), end


def waits(connection):
    return not select.select([connection.sock], [], [], 0.2)[0]


def write_ends(container):
    """Of pipes, that the monitor holds."""
    found = []
    for number in os.listdir(f"/proc/{container.pid}/fd"):
        path = f"/proc/{container.pid}/fd/{number}"
        try:
            if os.readlink(path).startswith("pipe:") and os.lstat(path).st_mode & stat.S_IWUSR:
                found.append(path)
        except FileNotFoundError:
            pass   # a connection's, closed meanwhile
    return found


def test_plain(container):
    client = container.connect()
    follower, job = start(container, "cat; echo end")
    tap.check(give(client, job, b"one\n").kind == "OK" and follower.read().body.endswith(b"one\n"), "what is given is read at once")
    tap.check(give(client, job, b"").kind == "OK", "nothing at all may be given")
    tap.check(give(client, job, b"\0\xfftwo", close=True).kind == "OK", "the last piece")
    out, end = end_of(follower, job)
    tap.check(out == b"\0\xfftwoend\n" and end.number("EXIT_VALUE") == 0, "binary, and then the end of the file", out, end)
    follower, job = start(container, "wc -c")
    tap.check(give(client, job, close=True).kind == "OK", "no content, only the end")
    reply = give(client, job, b"x")
    tap.check(reply.kind == "ERROR" and reply.number("ERRNO") in (errno.EPIPE, errno.ENOENT) and reply.text("STEP") == "give input", "after which nothing is taken", reply)
    tap.check(end_of(follower, job)[0] == b"0\n", "it read nothing")
    follower, job = start(container, "ls /proc/self/fd; readlink /proc/self/fd/0; stat -L -c %U /proc/self/fd/0; head -c 1 < /dev/stdin")
    give(client, job, b"y")
    out, _ = end_of(follower, job)
    tap.check(out.startswith(b"0\n1\n2\n3\npipe:") and out.endswith(b"vcap\ny"), "the job has three descriptors, and its input can be opened again", out)
    client.close()


def test_refusals(container):
    client = container.connect()
    follower, job, _ = container.spawn("cat")
    tap.check(give(client, job, b"x").number("ERRNO") in (errno.EINVAL, errno.ENOENT), "a job whose input is not open")
    end_of(follower, job)
    follower, job, _ = container.spawn(None, arguments=("/bin/sleep", "1000"))
    tap.check(give(client, job, b"x").number("ERRNO") == errno.EINVAL, "… that runs")
    client.ask("KILL_JOB", ("JOB_ID", job), ("SIGNAL", 9))
    end_of(follower, job)
    tap.check(give(client, 99999, b"x").number("ERRNO") == errno.ENOENT, "no such job")
    _, _, reply = container.spawn("true", ("OPEN_INPUT", 1))
    tap.check(reply.kind == "ERROR" and reply.number("ERRNO") == errno.EINVAL, "a script together with an open input", reply)
    follower, job = start(container, "sleep 1000")
    tap.check(give(client, job, b"x" * ((1 << 20) + 1)).number("ERRNO") == errno.E2BIG, "more than a mebibyte at once")
    tap.check(client.ask("RESIZE", ("JOB_ID", job), ("ROWS", 1), ("COLUMNS", 1)).number("ERRNO") == errno.EINVAL, "it has no terminal")
    client.ask("KILL_JOB", ("JOB_ID", job), ("SIGNAL", 9))
    end_of(follower, job)
    client.close()


def test_pace(container):
    follower, job = start(container, "read line < /tmp/gate; sha256sum")
    first, second, third = (container.connect() for _ in range(3))
    pieces = [bytes([letter]) * (1 << 20) for letter in b"abc"]
    first.send("INPUT", ("JOB_ID", job), ("CONTENT", pieces[0]))
    tap.check(waits(first), "a job that does not read: the reply waits")
    second.send("INPUT", ("JOB_ID", job), ("CONTENT", pieces[1]))
    tap.check(waits(second), "the next one too")
    third.send("INPUT", ("JOB_ID", job), ("CONTENT", pieces[2]), ("CLOSE_INPUT", 1))
    tap.check(waits(second) and container.run("echo x")[0] == b"x\n", "and nobody else's")
    container.run("echo > /tmp/gate")
    tap.check([each.read().kind for each in (first, second, third)] == ["OK"] * 3, "when it reads, all are answered")
    out, _ = end_of(follower, job)
    tap.check(out.split()[0].decode() == hashlib.sha256(b"".join(pieces)).hexdigest(), "each whole, one after the other", out)
    # One that gives up in the middle, and its successor.
    follower, job = start(container, "read line < /tmp/gate; tr -d '\\n' | tr -s abc")
    first.send("INPUT", ("JOB_ID", job), ("CONTENT", pieces[0]))
    tap.check(waits(first), "it waits")
    second.send("INPUT", ("JOB_ID", job), ("CONTENT", pieces[1]))
    tap.check(waits(second), "the next one too")
    third.send("INPUT", ("JOB_ID", job), ("CONTENT", pieces[2]), ("CLOSE_INPUT", 1))
    tap.check(waits(third), "and the next")
    first.close()
    container.run("echo > /tmp/gate")
    tap.check([each.read().kind for each in (second, third)] == ["OK"] * 2, "a connection that closes gives up its rest, not its successors")
    tap.check(end_of(follower, job)[0] == b"abc", "whose bytes come behind what it had given")
    # One in the queue that closes before its turn.
    follower, job = start(container, "read line < /tmp/gate; tr -s ac")
    first = container.connect()
    first.send("INPUT", ("JOB_ID", job), ("CONTENT", pieces[0]))
    tap.check(waits(first), "it waits")
    second.send("INPUT", ("JOB_ID", job), ("CONTENT", pieces[1]))
    tap.check(waits(second), "the next one too")
    third.send("INPUT", ("JOB_ID", job), ("CONTENT", b"c"), ("CLOSE_INPUT", 1))
    tap.check(waits(second) and waits(third), "and the next two")
    second.close()
    container.run("echo > /tmp/gate")
    tap.check([each.read().kind for each in (first, third)] == ["OK"] * 2 and end_of(follower, job)[0] == b"ac", "one that closes in the queue is left out")
    first.close()
    third.close()
    tap.check(not write_ends(container), "no end of a pipe is left", write_ends(container))


def test_broken(container):
    client, other = container.connect(), container.connect()
    follower, job = start(container, "exec < /dev/null; echo closed; read line < /tmp/gate")
    follower.read()
    reply = give(client, job, b"x")
    tap.check(reply.number("ERRNO") == errno.EPIPE, "a job that has closed its input", reply)
    tap.check(give(client, job, close=True).number("ERRNO") == errno.EPIPE, "which stays so")
    container.run("echo > /tmp/gate")
    end_of(follower, job)
    follower, job = start(container, "read line < /tmp/gate; exit 3")
    client.send("INPUT", ("JOB_ID", job), ("CONTENT", b"x" * (1 << 20)))
    tap.check(waits(client), "one waits")
    other.send("INPUT", ("JOB_ID", job), ("CONTENT", b"y"))
    tap.check(waits(other), "and another behind it")
    container.run("echo > /tmp/gate")
    replies = [client.read(), other.read()]
    tap.check([reply.number("ERRNO") for reply in replies] == [errno.EPIPE] * 2, "the job exits: both are answered", replies)
    reply = give(client, job, b"x")
    tap.check(reply.number("ERRNO") == errno.EPIPE, "an ended job does not read", reply)
    out, end = end_of(follower, job)
    tap.check(end.number("EXIT_VALUE") == 3, "its status is its own", end)
    tap.check(give(client, job, b"x").number("ERRNO") == errno.ENOENT, "a forgotten one is none")
    follower, job = start(container, "(trap '' HUP; exec sleep 1000) & echo started")
    end_of(follower, job)
    tap.check(not write_ends(container), "a background process that keeps the input does not keep the monitor's end", write_ends(container))
    container.connect().ask("SIGNAL_ALL", ("SIGNAL", 9))
    follower, job = start(container, "sleep 1000")
    client.send("INPUT", ("JOB_ID", job), ("CONTENT", b"x" * (1 << 20)))
    tap.check(waits(client), "one waits")
    other.ask("KILL_JOB", ("JOB_ID", job), ("SIGNAL", 9))
    tap.check(client.read().number("ERRNO") == errno.EPIPE, "the job is killed")
    end_of(follower, job)
    # The client closes and the job goes on without.
    follower, job = start(container, "read line < /tmp/gate; head -c 3")
    client.send("INPUT", ("JOB_ID", job), ("CONTENT", b"x" * (1 << 20)))
    tap.check(waits(client), "one waits")
    client.close()
    container.run("echo > /tmp/gate")
    tap.check(end_of(follower, job)[0] == b"xxx", "its client closes; the job reads what it was given")
    other.close()
    tap.check(not write_ends(container), "no end of a pipe is left", write_ends(container))


def test_death(container):
    client = container.connect()
    follower, job = start(container, "sleep 1000")
    client.send("INPUT", ("JOB_ID", job), ("CONTENT", b"x" * (1 << 20)))
    tap.check(waits(client), "one waits")
    os.kill(container.init(), 9)
    tap.check(client.read().number("ERRNO") == errno.EPIPE, "PID 1 dies: it is answered")
    chunks, end = follower.output()
    tap.check(end.number("EXIT_KIND") == 3, "and the job is lost", end)
    client.close()
    follower.close()


def main():
    container = Container(world, 1)
    if tap.check(container.reply.kind == "OK", "a container is created", container.reply):
        container.run("mkfifo /tmp/gate; chmod 666 /tmp/gate")
        for test in (test_plain, test_refusals, test_pace, test_broken):
            test(container)
        test_death(container)
        tap.check(container.destroy()[0], "it is destroyed")
    world.end(tap)


main()
