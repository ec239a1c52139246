"""Output of jobs: order, limits, positions, followers, speed."""
import errno
import hashlib
import os
import select
import shutil
import signal
import time

from container import Container, Tap, TestWorld, cpu_seconds, join, u64, wait_until

tap = Tap()
world = TestWorld()


def merge(chunks):
    """[(stream, bytes)…] with neighbours of one stream joined; positions have to be without a gap."""
    result, position = [], chunks[0][0] if chunks else 0
    for at, stream, data in chunks:
        assert at == position, (at, position)
        position += len(data)
        if result and result[-1][0] == stream:
            result[-1] = (stream, result[-1][1] + data)
        else:
            result.append((stream, data))
    return result


def follow(container, job, position):
    connection = container.connect()
    reply = connection.ask("FOLLOW", ("JOB_ID", job), ("POSITION", u64(position)))
    assert reply.kind == "OK", reply
    result = connection.output()
    connection.close()
    return result


def test_order(container):
    count = 3000
    expected = [(1 + i % 2, f"{i}\n".encode()) for i in range(2 * count)]
    script = f"i=0; while [ $i -lt {2 * count} ]; do echo $i; i=$((i+1)); echo $i >&2; i=$((i+1)); done"
    connection, job, _ = container.spawn(script)
    chunks, end = connection.output()
    tap.check(merge(chunks) == expected, f"{2 * count} writes to two streams keep their order", end, len(chunks))
    tap.check(merge(follow(container, job, 0)[0]) == expected, "also when they are read again")
    whole = b"".join(data for _, data in expected)
    for position in (1, 2, 777, 4095, 4096, 4097, len(whole) - 1, len(whole)):
        rest, _ = follow(container, job, position)
        tap.check(join(rest) == whole[position:] and (not rest or rest[0][0] == position), f"from position {position}", rest[:2])
    connection.ask("FORGET", ("JOB_ID", job))
    tap.check(os.listdir(os.path.join(container.directory, "jobs")) == [], "and nothing is left on disk", os.listdir(os.path.join(container.directory, "jobs")))
    out, err, _ = container.run("head -c 300000 /dev/zero | tr '\\0' x; echo middle >&2; echo end")
    connection, job, _ = container.spawn("head -c 300000 /dev/zero | tr '\\0' x; echo middle >&2; sleep 0.01; echo end")
    chunks = merge(connection.output()[0])
    tap.check(out == b"x" * 300000 + b"end\n" and err == b"middle\n", "a lot, then the other stream: nothing is lost", len(out), err)
    tap.check(chunks == [(1, b"x" * 300000), (2, b"middle\n"), (1, b"end\n")], "and it comes after it", [(stream, len(data)) for stream, data in chunks])
    connection.ask("FORGET", ("JOB_ID", job))
    connection.close()


def test_volume(container):
    size = 200 << 20
    connection, job, _ = container.spawn(f"head -c {size} /dev/zero", follow=False)
    connection.sock.settimeout(60)
    begin = time.monotonic()
    connection.ask("AWAIT_EMPTY")
    seconds = time.monotonic() - begin
    print(f"# {size >> 20} MiB into the spool: {size / seconds / 1e6:.0f} MB/s")
    begin = time.monotonic()
    connection.ask("FOLLOW", ("JOB_ID", job), ("POSITION", u64(0)))
    chunks, end = connection.output()
    print(f"# and out of it, to this reader: {size / (time.monotonic() - begin) / 1e6:.0f} MB/s")
    tap.check(sum(len(data) for _, _, data in chunks) == size and end.number("EXIT_VALUE") == 0, "200 MiB", end)
    del chunks
    connection.ask("FORGET", ("JOB_ID", job))
    script = "for i in 1 2 3 4 5 6 7 8 9; do head -c 1000000 /dev/urandom; head -c 3000 /dev/urandom >&2; done | tee >(sha256sum >/tmp/sum) ; wait; sleep 0.1; cat /tmp/sum >&2"
    connection.ask("SPAWN", ("JOB_ID", 9000), ("ARGUMENT", "/bin/bash"), ("SCRIPT", script), ("UID", 0), ("GID", 0), ("PRIVILEGED", 1),
                   ("WORKING_DIRECTORY", "/"), ("ENVIRONMENT", "PATH=/bin"), ("FOLLOW_OUTPUT", 1))
    chunks, _ = connection.output()
    out, err = join(chunks, 1), join(chunks, 2)
    tap.check(len(out) == 9000000 and hashlib.sha256(out).hexdigest().encode() in err and len(err) > 27000, "binary data on both streams", len(out), len(err))
    connection.ask("FORGET", ("JOB_ID", 9000))
    connection.close()


def test_limit(container):
    watcher = container.connect()
    watcher.ask("WATCH")
    out, err, end = container.run("head -c 600 /dev/zero; head -c 400 /dev/zero >&2; exit 3", limit=1000)
    tap.check(len(out) + len(err) == 1000 and (end.number("EXIT_KIND"), end.number("EXIT_VALUE")) == (1, 3), "exactly the limit is fine", end)
    tap.check(watcher.read().number("EVENT") == 3, "without an event")
    script = "setsid setsid sleep 1000 & head -c 600 /dev/zero; head -c 401 /dev/zero >&2; sleep 1000"
    out, err, end = container.run(script, limit=1000)
    tap.check(len(out) + len(err) == 1000 and (end.number("EXIT_KIND"), end.number("EXIT_VALUE")) == (2, 9), "one byte more kills the job", end, len(out), len(err))
    tap.check(watcher.read().number("EVENT") == 1 and watcher.read().number("EVENT") == 3, "with an event")
    tap.check(container.connect().ask("AWAIT_EMPTY").kind == "OK", "and every process of it")
    out, _, end = container.run("head -c 50000000 /dev/zero; exit 0", limit=10 << 20)
    tap.check(len(out) == 10 << 20 and end.number("EXIT_KIND") == 2, "also when it writes fast", len(out), end)
    out, _, end = container.run("echo x", limit=0)
    tap.check(out == b"" and end.number("EXIT_KIND") == 2, "a limit of nothing", end)
    for _ in range(4):
        watcher.read()
    watcher.close()


def test_discard(container):
    connection, job, _ = container.spawn("read x < /tmp/gate; head -c 3000000 /dev/zero; echo end >&2; exit 4", discard=True, limit=10, follow=False)
    live = container.connect()
    live.ask("FOLLOW", ("JOB_ID", job), ("POSITION", u64(0)))
    container.run("echo > /tmp/gate")
    chunks, end = live.output()
    tap.check(end.number("EXIT_VALUE") == 4, "discarded output kills nothing", end)
    tap.check(chunks == [], "who follows it gets none of it", len(chunks))
    chunks, end = follow(container, job, 0)
    tap.check(chunks == [] and end.number("EXIT_VALUE") == 4, "nothing was kept", chunks, end)
    tap.check(connection.ask("FORGET", ("JOB_ID", job)).kind == "OK", "it is forgotten")
    live.close()
    connection.close()


def test_followers(container):
    script = "for i in $(seq 1 20000); do echo line $i; done; echo done >&2; read x < /tmp/gate; echo last"
    slow, job, _ = container.spawn(script)
    others = []
    slow.read()
    for position in (0, 5, 6):
        connection = container.connect()
        reply = connection.ask("FOLLOW", ("JOB_ID", job), ("POSITION", u64(position)))
        tap.check(reply.kind == "OK", f"FOLLOW from {position}", reply)
        others.append(connection)
    gone = container.connect()
    gone.ask("FOLLOW", ("JOB_ID", job), ("POSITION", u64(0)))
    gone.read()
    gone.close()
    # Its first follower reads nothing so far, and the job gets to the gate all the same.
    container.run("echo > /tmp/gate")
    whole = "".join(f"line {i}\n" for i in range(1, 20001)).encode() + b"done\nlast\n"
    for connection, position in zip(others + [slow], (0, 5, 6, 0)):
        chunks, end = connection.output()
        position += len("line 1\n") if connection is slow else 0
        tap.check(join(chunks) == whole[position:] and end.number("EXIT_VALUE") == 0, f"a follower from {position} gets everything", end, len(join(chunks)))
        connection.close()
    reply = container.connect().ask("FOLLOW", ("JOB_ID", job), ("POSITION", u64(0)))
    tap.check(reply.kind == "OK", "a follower that went away did not touch the job", reply)
    late = container.connect()
    late.ask("FOLLOW", ("JOB_ID", job), ("POSITION", u64(0)))
    tap.check(container.connect().ask("FORGET", ("JOB_ID", job)).kind == "OK", "FORGET while someone follows")
    chunks, end = late.output()
    tap.check(join(chunks) == whole and end.number("EXIT_VALUE") == 0, "who followed before gets it to the end", len(join(chunks)))
    tap.check(container.connect().ask("FOLLOW", ("JOB_ID", job), ("POSITION", u64(0))).number("ERRNO") == errno.ENOENT, "nobody else does")
    late.close()


def test_passed_over(container):
    """What a follower has not asked for does not come, live and late; its lengths do."""
    script = "for i in 1 2 3 4 5; do head -c 100000 /dev/zero; head -c 1000 /dev/urandom >&2; done; read x < /tmp/gate; head -c 3000000 /dev/zero; echo end >&2"
    live, job, _ = container.spawn(script, ("OUTPUT_UP_TO", u64(150000)))
    one = container.connect()
    one.ask("FOLLOW", ("JOB_ID", job), ("POSITION", u64(0)), ("ONLY_STREAM", 2))
    container.run("echo > /tmp/gate")
    chunks, end = live.output()
    lengths = tuple(int.from_bytes(end[name], "little") for name in ("STDOUT_BYTES", "STDERR_BYTES"))
    tap.check(lengths == (3500000, 5004) and end.number("EXIT_VALUE") == 0, "the end tells how much there was", lengths, end)
    tap.check(150000 <= sum(len(data) for _, _, data in chunks) < 150000 + (256 << 10) and chunks[-1][0] < 150000, "no piece comes that begins behind what was wanted", chunks[-1][0])
    errors, end = one.output()
    tap.check({stream for _, stream, _ in errors} == {2} and len(join(errors)) == 5004 and "STDOUT_BYTES" not in end, "who wants one stream gets that one while the job runs", end)
    late, _ = follow(container, job, 0)
    for stream in (1, 2):
        one.ask("FOLLOW", ("JOB_ID", job), ("POSITION", u64(0)), ("ONLY_STREAM", stream))
        chunks, _ = one.output()
        tap.check(join(chunks) == join(late, stream) and {number for _, number, _ in chunks} == {stream}, f"and later stream {stream}, whole")
    for wanted, expected in ((u64(0), 0), (u64(3505004), 3505004), (u64(3505003), 3505004)):
        one.ask("FOLLOW", ("JOB_ID", job), ("POSITION", u64(0)), ("OUTPUT_UP_TO", wanted))
        chunks, end = one.output()
        told = "STDOUT_BYTES" in end
        tap.check(len(join(chunks)) == expected and told == (wanted != u64(3505004)), "all that was wanted comes, and lengths where there is more", expected, len(join(chunks)), told)
    one.ask("FORGET", ("JOB_ID", job))
    script = '$| = 1; for (1 .. 5000) { syswrite(STDOUT, "o"); syswrite(STDERR, "e") }'
    connection, job, _ = container.spawn(None, arguments=("/usr/bin/perl", "-e", script), follow=False)
    connection.ask("FOLLOW", ("JOB_ID", job), ("POSITION", u64(0)), ("ONLY_STREAM", 2))
    chunks, _ = connection.output()
    tap.check(join(chunks) == b"e" * 5000, "one stream of two in turns", len(join(chunks)))
    connection.ask("FORGET", ("JOB_ID", job))
    for each in (live, one, connection):
        each.close()


def test_unread(container):
    """A reader that never reads costs itself only."""
    stuck, job, _ = container.spawn("yes | head -c 20000000")
    done, _, end = container.run("echo fine")
    tap.check(done == b"fine\n", "others go on while a follower does not read", end)
    waiting = container.connect()
    tap.check(waiting.ask("AWAIT_EMPTY").kind == "OK", "and so does its job")
    chunks, end = stuck.output()
    tap.check(len(join(chunks)) == 20000000 and end.number("EXIT_VALUE") == 0, "it can still read all of it", end)
    stuck.ask("FORGET", ("JOB_ID", job))
    stuck.close()
    waiting.close()


def test_late_writer(container):
    """What a background process writes after its job's end is dropped, and it does not get a SIGPIPE."""
    script = "(read x < /tmp/gate; head -c 100000 /dev/zero; echo $? > /tmp/result; echo done > /tmp/gate2) & echo begun"
    connection, job, _ = container.spawn(script)
    chunks, _ = connection.output()
    tap.check(join(chunks) == b"begun\n", "the end comes before its background process", chunks)
    container.run("echo > /tmp/gate; cat /tmp/gate2")
    tap.check(container.run("cat /tmp/result")[0] == b"0\n", "which writes on unharmed")
    chunks, _ = follow(container, job, 0)
    tap.check(join(chunks) == b"begun\n", "to nobody", chunks)
    connection.ask("FORGET", ("JOB_ID", job))
    tap.check(connection.ask("AWAIT_EMPTY").kind == "OK", "and ends")
    connection.close()


def test_endless(container):
    """A process that writes for ever to where nobody reads costs the monitor little."""
    for what, script, discard in (("after its job's end", "exec 3<>/tmp/gate; yes & exit 0", False), ("with its output discarded", "yes", True)):
        connection, job, _ = container.spawn(script, discard=discard, follow=discard is False)
        if not discard:
            connection.output()
        begin, before = time.monotonic(), cpu_seconds(container.pid)
        select.select([container.pidfd], [], [], 1)
        used = (cpu_seconds(container.pid) - before) / (time.monotonic() - begin)
        tap.check(used < 0.25, f"an endless writer {what} costs {used:.0%} of a processor")
        container.connect().ask("KILL_JOB", ("JOB_ID", job), ("SIGNAL", 9))
        if discard:
            connection.ask("FOLLOW", ("JOB_ID", job), ("POSITION", u64(0)))
            connection.output()
        connection.ask("FORGET", ("JOB_ID", job))
        tap.check(connection.ask("AWAIT_EMPTY").kind == "OK", "and can be killed")
        connection.close()


def test_larger_pipe(container):
    """A job that makes its pipe larger writes several times under one event: all of it comes without another write."""
    script = r"""$| = 1; fcntl(STDOUT, 1031, 65536) or die; print "ready\n"; open(G, "<", "/tmp/gate"); for $i (1 .. 12) { syswrite(STDOUT, "line $i\n") } open(G, ">", "/tmp/gate2"); sleep 1000"""
    connection, job, _ = container.spawn(None, arguments=("/usr/bin/perl", "-e", script))
    got = connection.read().body[12:]
    os.kill(container.pid, signal.SIGSTOP)
    for name, flags in (("gate", os.O_WRONLY), ("gate2", os.O_RDONLY)):
        os.close(os.open(f"/proc/{container.init()}/root/tmp/{name}", flags))
    os.kill(container.pid, signal.SIGCONT)
    while not got.endswith(b"line 12\n") and select.select([connection.sock], [], [], 5)[0]:
        got += connection.read().body[12:]
    tap.check(got == b"ready\n" + b"".join(f"line {i}\n".encode() for i in range(1, 13)), "nothing of an enlarged pipe waits for the next write", got)
    container.connect().ask("KILL_JOB", ("JOB_ID", job), ("SIGNAL", 9))
    connection.output()
    connection.ask("FORGET", ("JOB_ID", job))
    script = r"""use Fcntl; fcntl(STDOUT, F_SETFL, fcntl(STDOUT, F_GETFL, 0) | O_NONBLOCK) or die; my $n = 0;
        while ($n < 400000) { $n += syswrite(STDOUT, "x" x 1000) // do { select(undef, undef, undef, 0.001); 0 } }
        my $f = fcntl(STDOUT, F_GETFL, 0); print STDERR $f & O_NONBLOCK ? "kept" : "lost", $f & 040000 ? " packets" : " plain" """
    out, err, end = container.run(None, arguments=("/usr/bin/perl", "-e", script))
    tap.check(len(out) >= 400000 and err == b"kept plain", "a job's O_NONBLOCK stays when its pipe becomes a plain one", len(out), err, end)
    connection.close()


def test_alternating(container):
    """What is kept of a job takes at most about twice its limit on the disk, however it writes."""
    limit = 30000
    script = '$| = 1; for (1 .. 14000) { syswrite(STDOUT, "o"); syswrite(STDERR, "e") }'
    connection, job, _ = container.spawn(None, arguments=("/usr/bin/perl", "-e", script), limit=limit)
    chunks, end = connection.output()
    jobs = os.path.join(container.directory, "jobs")
    size = sum(os.stat(os.path.join(jobs, name)).st_size for name in os.listdir(jobs))
    tap.check(size <= 2 * limit and end.number("EXIT_KIND") == 2, "one byte to each stream in turn", size, end, len(chunks))
    connection.ask("FORGET", ("JOB_ID", job))
    _, _, end = container.run('for i in $(seq 2000); do echo some words; echo more words >&2; done', limit=50000)
    tap.check(end.number("EXIT_KIND") == 1, "lines in turn are no matter", end)
    connection.close()


def test_record(container):
    """An exit record that cannot be written is told of."""
    watcher = container.connect()
    watcher.ask("WATCH")
    tap.check(watcher.read().number("EVENT") == 1, "a new watcher hears that a limit was exceeded once")
    place = os.path.join(container.directory, "jobs", f"{container.next_job + 1}.exit")
    os.makedirs(os.path.join(place, "in-its-way"))
    connection, job, _ = container.spawn("exit 6", follow=False)
    event = watcher.read()
    tap.check(event.number("EVENT") == 5 and event.number("ERRNO") in (errno.EISDIR, errno.ENOTEMPTY, errno.EEXIST) and event.number("JOB_ID") == container.next_job,
              "a record that cannot be written is an event", event)
    tap.check(watcher.read().number("EVENT") == 3, "then comes its end")
    later = container.connect()
    later.ask("WATCH")
    tap.check([later.read().number("EVENT") for _ in range(2)] == [1, 5], "a later watcher hears of it while the job is there")
    later.close()
    connection.ask("FOLLOW", ("JOB_ID", job), ("POSITION", u64(0)))
    _, end = connection.output()
    tap.check(end.number("EXIT_VALUE") == 6, "which is known all the same", end)
    connection.ask("FORGET", ("JOB_ID", job))
    connection.close()
    shutil.rmtree(place)
    watcher.close()


def main():
    container = Container(world, 1)
    if tap.check(container.reply.kind == "OK", "a container is created", container.reply):
        container.run("mkfifo /tmp/gate /tmp/gate2; chmod 666 /tmp/gate*; touch /tmp/result /tmp/sum; chmod 666 /tmp/result", privileged=True)
        for test in (test_order,test_volume, test_limit, test_discard, test_followers, test_passed_over, test_unread, test_late_writer, test_endless, test_larger_pipe, test_alternating, test_record):
            test(container)
        tap.check(os.listdir(os.path.join(container.directory, "jobs")) == [], "no file of a job is left", os.listdir(os.path.join(container.directory, "jobs")))
        descriptors = len(os.listdir(f"/proc/{container.pid}/fd"))
        container.run("true")
        tap.check(wait_until(lambda: len(os.listdir(f"/proc/{container.pid}/fd")) <= descriptors) and descriptors < 32, "no descriptor is left", descriptors)
        tap.check(select.select([container.pidfd], [], [], 0)[0] == [], "the monitor lives")
        tap.check(container.destroy()[0], "it is destroyed")
    world.end(tap)


main()
