"""iomux-spawn and iomux-link as programs: what they promise in docs/iomux-spawn.md and docs/iomux-link.md. Needs no root.

IOMUX_VARIANT in the environment: the folder of native/build whose programs are tested, instead of release. WARDEN_SOAK=1: more kills, more bytes.
"""
import hashlib
import os
import random
import select
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time

NATIVE = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(NATIVE, "launcher", "test"))
from launcher_driver import Tap  # noqa: E402

BUILD = os.path.join(NATIVE, "build", os.environ.get("IOMUX_VARIANT", "release"))
SPAWN, LINK = os.path.join(BUILD, "iomux-spawn"), os.path.join(BUILD, "iomux-link")
SOAK = os.environ.get("WARDEN_SOAK") == "1"
DEADLINE = 60
started = []
tap = Tap()
base = tempfile.mkdtemp(prefix="warden-iomux-")
numbers = iter(range(1000000))


def path(name="dir"):
    return os.path.join(base, f"{name}-{next(numbers)}")


def started_program(*arguments, **more):
    started.append(subprocess.Popen(*arguments, **more))
    return started[-1]


class Spawn:
    """iomux-spawn with a shell script, or an argument vector, as its command."""

    def __init__(self, command, *options, directory=None, **more):
        self.directory = directory or path()
        arguments = ["/bin/sh", "-c", command] if isinstance(command, str) else command
        self.process = started_program([SPAWN, *options, self.directory, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
        self.first = self.process.stdout.readline().decode()
        self.pid = int(self.first.split("=")[1]) if self.first.startswith("child_pid=") else None

    def line(self):
        return self.process.stdout.readline().decode()

    def end(self):
        """(exit status, standard error) when it is gone."""
        _, problem = self.process.communicate(timeout=DEADLINE)
        return self.process.returncode, problem.decode()

    def is_gone(self):
        return self.end() == (0, "") and not os.path.exists(self.directory)


def link(directory, *options, **more):
    return started_program([LINK, *options, directory], stdout=more.pop("stdout", subprocess.PIPE), stderr=more.pop("stderr", subprocess.PIPE), **more)


def linked(directory, *options, **more):
    """(exit status, stdout, stderr)"""
    process = link(directory, *options, **more)
    out, err = process.communicate(timeout=DEADLINE)
    return process.returncode, out, err


def contents(name):
    with open(name, "rb") as file:
        return file.read()


def wait_end(pid):
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    ended = bool(select.select([pidfd], [], [], DEADLINE)[0])
    os.close(pidfd)
    return ended


def test_usage():
    for program in (SPAWN, LINK):
        done = subprocess.run([program, "--help"], capture_output=True, check=False, timeout=DEADLINE)
        tap.check(done.returncode == 0 and done.stdout.startswith(b"usage: ") and not done.stderr, f"{os.path.basename(program)} --help", done)
        for arguments in ([], ["--nonsense"], ["--output-limit", "x", "a", "b"]):
            done = subprocess.run([program, *arguments], capture_output=True, check=False, timeout=DEADLINE)
            tap.check(done.returncode == 255 and b"usage: " in done.stderr and not done.stdout, f"and not {arguments}", done)


def test_waits():
    spawn = Spawn("echo out; echo err >&2; exit 7")
    tap.check(spawn.pid is not None, "the first line is the process id", spawn.first)
    tap.check(os.readlink(f"/proc/{spawn.pid}/exe").endswith("iomux-spawn"), "nothing is executed before a link is there")
    mode = stat.S_IMODE(os.stat(spawn.directory).st_mode), stat.S_IMODE(os.stat(os.path.join(spawn.directory, "link.sock")).st_mode)
    tap.check(mode == (0o700, 0o600), "directory and socket are ours alone", mode)
    tap.check(linked(spawn.directory) == (7, b"out\n", b"err\n"), "a link gets output and status")
    tap.check(spawn.line() == "child active\n" and spawn.line() == "", "which is said, and then nothing more")
    tap.check(spawn.is_gone(), "and iomux-spawn goes, with its directory")
    status, out, err = linked(spawn.directory)
    tap.check(status == 255 and out == b"" and b"nothing to link" in err, "a second link is told that there is nothing", err)

    spawn = Spawn("echo out; exit 0", "--no-wait")
    tap.check(spawn.line() == "child active\n" and spawn.line() == "" and wait_end(spawn.pid), "with --no-wait it runs, and ends, without a link")
    tap.check(linked(spawn.directory) == (0, b"out\n", b"") and spawn.is_gone(), "whose output is there later")

    kept = path()
    os.mkdir(kept, 0o755)
    spawn = Spawn("exit 3", directory=kept)
    tap.check(linked(kept)[0] == 3 and spawn.end() == (0, "") and os.listdir(kept) == [], "a directory that was there stays, empty")


def test_statuses():
    for script, status, text in (("exit 0", 0, "exited 0\n"), ("exit 255", 255, "exited 255\n"), ("kill -9 $$", 255, "signalled 9\n"), ("kill -TERM $$", 255, "signalled 15\n")):
        spawn, report = Spawn(script), path("status")
        seen = linked(spawn.directory, "-s", report)
        tap.check(seen == (status, b"", b"") and contents(report).decode() == text and spawn.is_gone(), f"{script}: {text.strip()}", seen)
    spawn = Spawn(["/no/such/program"])
    status, out, err = linked(spawn.directory)
    tap.check((status, out) == (127, b"") and b"/no/such/program: No such file" in err, "a program that is not there", status, err)
    tap.check(spawn.line() == "" and spawn.is_gone(), "is never active")
    spawn = Spawn(["/etc/passwd"])
    tap.check(linked(spawn.directory)[0] == 126 and spawn.is_gone(), "one that cannot be executed")


def test_surroundings():
    inherited = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(inherited, True)
    spawn = Spawn(["/bin/ls", "/proc/self/fd"], pass_fds=[inherited])
    tap.check(linked(spawn.directory)[1] == b"0\n1\n2\n3\n" and spawn.is_gone(), "the command gets three descriptors")
    os.close(inherited)
    spawn = Spawn("pwd; cat; echo $X; grep SigBlk /proc/self/status; ps -o sid= -p $$", cwd="/usr", stdin=subprocess.DEVNULL, env={"X": "y z", "PATH": os.environ["PATH"]})
    out = linked(spawn.directory)[1].decode().split("\n")
    tap.check(out[:2] == ["/usr", "y z"] and set(out[2].split()[1]) == {"0"}, "directory, input, environment, and no blocked signals", out)
    tap.check(int(out[3]) == spawn.pid and spawn.is_gone(), "it leads a session", out)
    spawn = Spawn(["/bin/sh", "-c", "echo closed"], preexec_fn=lambda: [os.close(fd) for fd in (0, 2)])
    tap.check(linked(spawn.directory)[1] == b"closed\n" and spawn.is_gone(), "standard descriptors may be closed")


def test_bytes():
    data = random.randbytes(3000000)
    source = path("data")
    with open(source, "wb") as file:
        file.write(data)
    spawn = Spawn(f"head -c 1000000 {source}; head -c 2000000 {source} >&2; tail -c +1000001 {source}; exit 1")
    status, out, err = linked(spawn.directory)
    tap.check(status == 1 and out == data and err == data[:2000000] and spawn.is_gone(), "binary output is exact on both streams")
    spawn = Spawn("i=0; while [ $i -lt 2000 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done")
    _, out, _ = linked(spawn.directory, stderr=subprocess.STDOUT)
    tap.check(out == b"".join(b"out %d\nerr %d\n" % (i, i) for i in range(2000)) and spawn.is_gone(), "and both are in the order of writing")


def test_volume():
    size = (4 << 30) + 12345 if SOAK else 100000000
    expected = hashlib.sha256()
    spawn = Spawn(f"yes 'a line of some length that is not very short' | head -c {size}")
    begin = time.monotonic()
    process = link(spawn.directory)
    seen, left = hashlib.sha256(), size
    pattern = b"a line of some length that is not very short\n" * 20000
    while chunk := process.stdout.read(len(pattern)):
        seen.update(chunk)
        expected.update(pattern[:min(left, len(pattern))])
        left -= len(chunk)
    seconds = time.monotonic() - begin
    tap.check(process.wait(DEADLINE) == 0 and left == 0 and seen.digest() == expected.digest() and spawn.is_gone(), f"{size} bytes come through", left)
    print(f"# {size / 1e6 / seconds:.0f} MB/s")


def test_resume():
    """Links are killed at random moments; what they wrote to files is together exactly what the command wrote."""
    seed = int(os.environ.get("SEED", random.randrange(1 << 32)))
    rng = random.Random(seed)
    print(f"# SEED={seed}")
    for same in (False, True):
        source, out, err, positions, report = path("data"), path("out"), path("err"), path("positions"), path("status")
        data = rng.randbytes(5000000)
        with open(source, "wb") as file:
            file.write(data)
        # Two streams that have both had much in a row are only in order each for itself, so into one file they go in turns.
        choice = "turn % 2" if same else "rng.randrange(2)"
        spawn = Spawn([sys.executable, "-c", f"""
import os, random
rng, data = random.Random({seed}), open({source!r}, "rb").read()
position = turn = 0
while position < len(data):
    size = rng.choice((1, 100, 5000, 70000 if {not same} else 9000))
    os.write(1 + {choice}, data[position:position + size])
    position += size
    turn += 1
"""])
        kills = 0
        # One that was killed when it had said that it has all has left its report.
        while not os.path.exists(report):
            with open(out, "ab") as a, open(out if same else err, "ab") as b:
                process = link(spawn.directory, "-w", positions, "-s", report, stdout=a, stderr=b)
                try:
                    process.wait(timeout=rng.random() * 0.01 if kills < (200 if SOAK else 40) else DEADLINE)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                    kills += 1
        expected, position, replay = [b"", b""], 0, random.Random(seed)
        while position < len(data) and not same:
            size = replay.choice((1, 100, 5000, 70000))
            expected[replay.randrange(2)] += data[position:position + size]
            position += size
        whole = hashlib.sha256(contents(out)).digest() == hashlib.sha256(data if same else expected[0]).digest()
        whole &= same or hashlib.sha256(contents(err)).digest() == hashlib.sha256(expected[1]).digest()
        if process.returncode != 0:
            linked(spawn.directory)   # killed between its report and its last word
        tap.check(contents(report) == b"exited 0\n" and whole and spawn.is_gone(), f"after {kills} kills {'one file has' if same else 'two files have'} every byte once",
                  seed, contents(report), len(contents(out)))
        tap.check(contents(positions).startswith(b"iomux 1 5000000\n"), "and the positions are at the end", contents(positions))


def test_kill_and_begin_anew():
    spawn = Spawn("seq 100000; read x", "--no-wait", stdin=subprocess.PIPE)
    process = link(spawn.directory)
    process.stdout.read(1000)
    process.kill()
    process.wait()
    process.stdout.close()
    spawn.process.stdin.write(b"\n")
    spawn.process.stdin.flush()
    out = linked(spawn.directory)[1]
    tap.check(out == b"".join(b"%d\n" % i for i in range(1, 100001)) and spawn.is_gone(), "without positions a link begins at the first byte")


def test_positions():
    spawn = Spawn("echo hello", "--no-wait")
    wait_end(spawn.pid)
    for text, reason in ((b"", b"no positions"), (b"iomux 1 -3\nstream\nstream\n", b"damaged"), (b"iomux 2 0\nstream\nstream\n", b"version 2"), (b"iomux 1 99\nstream\nstream\n", b"position 99 of 6"),
                         (b"iomux 1 18446744073709551616\nstream\nstream\n", b"damaged"), (b"x" * 5000, b"longer")):
        positions = path("positions")
        with open(positions, "wb") as file:
            file.write(text)
        status, out, err = linked(spawn.directory, "-w", positions)
        tap.check(status == 255 and out == b"" and reason in err and contents(positions) == text, f"refused: {text[:40]}", err)
    positions = path("positions")
    with open(positions, "wb") as file:
        file.write(b"iomux 1 2\nstream\nstream\n")
    tap.check(linked(spawn.directory, "-w", positions)[1] == b"llo\n" and spawn.is_gone(), "a position is where it goes on")


def test_several():
    spawn = Spawn("echo ready; read x; seq 200000; seq 1000 >&2; exit 9", "--no-wait", stdin=subprocess.PIPE)
    links = [link(spawn.directory) for _ in range(9)]
    # Each is there before the first can have everything, after which nobody is let in.
    tap.check([process.stdout.readline() for process in links] == [b"ready\n"] * 9, "nine links at once")
    spawn.process.stdin.write(b"\n")
    spawn.process.stdin.flush()
    tap.check(wait_end(spawn.pid), "those that are not read do not hold up the command")
    slow = links.pop()
    expected = b"".join(b"%d\n" % i for i in range(1, 200001))
    seen = [(*process.communicate(timeout=DEADLINE), process.returncode) for process in links]
    tap.check(seen == [(expected, expected[:3893], 9)] * 8, "nor another link: eight have everything, and its status", [(len(out), len(err), status) for out, err, status in seen])
    tap.check(slow.poll() is None, "while the ninth waits for its reader")
    out, err = slow.communicate(timeout=DEADLINE)
    tap.check(slow.returncode == 9 and out == expected and err == expected[:3893], "and gets everything when it is read", slow.returncode, len(out), err[-200:])
    tap.check(spawn.is_gone(), "then all of it goes")


def test_reader_goes():
    spawn = Spawn("seq 300000; exit 2")
    process = link(spawn.directory)
    process.stdout.read(10)
    process.stdout.close()
    tap.check(process.wait(DEADLINE) == 255 and b"standard output: Broken pipe" in process.stderr.read(), "a link whose reader goes away fails")
    status, out, _ = linked(spawn.directory)
    tap.check(status == 2 and out.endswith(b"\n300000\n") and spawn.is_gone(), "and has used up nothing")
    spawn = Spawn("seq 300000; exit 2")
    with open("/dev/full", "wb") as full:
        status, _, err = linked(spawn.directory, stdout=full)
    tap.check(status == 255 and b"standard output: No space left" in err and linked(spawn.directory)[0] == 2 and spawn.is_gone(), "nor does one on a full disk", err)


def test_lost():
    spawn, report = Spawn("echo some; exec sleep 1000"), path("status")
    process = link(spawn.directory, "-s", report)
    tap.check(process.stdout.readline() == b"some\n", "a link follows")
    spawn.process.kill()
    out, err = process.communicate(timeout=DEADLINE)
    tap.check(process.returncode == 255 and b"lost" in err and contents(report) == b"lost\n", "when iomux-spawn is killed, it says that the command is lost", err)
    os.kill(spawn.pid, signal.SIGKILL)
    status, out, err = linked(spawn.directory)
    tap.check((status, out) == (255, b"") and b"lost" in err, "and so does one that comes later", err)
    again = Spawn("true", directory=spawn.directory)
    tap.check(again.pid is None and again.end()[0] == 255, "the directory is not taken again as if nothing had been")
    waiting = Spawn("true")
    waiting.process.kill()
    tap.check(wait_end(waiting.pid), "a command that waited for a link is never executed then")


def test_signals():
    spawn = Spawn("trap 'kill $!; echo got it; exit 5' TERM; echo ready; while :; do sleep 1000 & wait; done")
    process = link(spawn.directory)
    process.stdout.readline()
    spawn.process.terminate()
    out, _ = process.communicate(timeout=DEADLINE)
    tap.check((process.returncode, out) == (5, b"got it\n") and spawn.is_gone(), "TERM goes to the command", out)
    spawn = Spawn("echo never")
    spawn.process.terminate()
    status, err = spawn.end()
    tap.check(status == 255 and "signal" in err and not os.path.exists(spawn.directory), "before it runs, it ends iomux-spawn and the waiting process", status, err)
    spawn = Spawn("echo unread", "--no-wait")
    wait_end(spawn.pid)
    # The end has been taken when a link has been told of it: one that stops before it says that it has all.
    process = link(spawn.directory, "-s", "/nonexistent/status")
    process.communicate(timeout=DEADLINE)
    spawn.process.send_signal(signal.SIGHUP)
    tap.check(process.returncode == 255 and spawn.end()[0] == 255 and not os.path.exists(spawn.directory), "and so when the command has ended")
    spawn = Spawn("kill -HUP $$; echo lives", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    spawn.process.send_signal(signal.SIGHUP)
    tap.check(linked(spawn.directory) == (0, b"lives\n", b"") and spawn.is_gone(), "what is ignored (nohup) stays ignored")


def test_directories():
    wide = path()
    os.mkdir(wide)
    os.chmod(wide, 0o777)
    spawn = Spawn("true", directory=wide)
    status, err = spawn.end()
    tap.check((spawn.pid, status) == (None, 255) and "nobody else may write" in err and os.listdir(wide) == [], "a directory that others may write to is refused", err)
    status, err = (spawn := Spawn("true", directory=path("no") + "/such")).end()
    tap.check(status == 255 and "No such file" in err, "one without a parent as well", err)
    first = Spawn("exit 4")
    second = Spawn("exit 5", directory=first.directory)
    tap.check(second.pid is None and "link.sock is there" in second.end()[1], "and one that is in use")
    tap.check(linked(first.directory)[0] == 4 and first.is_gone(), "whose user is not disturbed")
    deep = os.path.join(path(), *["x" * 60] * 4)
    os.makedirs(os.path.dirname(deep))
    spawn = Spawn("exit 6", directory=deep)
    tap.check(linked(deep)[0] == 6 and spawn.is_gone(), "a long path is fine")


def test_limit():
    spawn, report = Spawn("head -c 100000 /dev/zero; sleep 1000", "--output-limit", "99999"), path("status")
    status, out, _ = linked(spawn.directory, "-s", report)
    tap.check(status == 255 and out == bytes(99999) and contents(report) == b"signalled 9\n" and spawn.is_gone(), "the byte after the limit kills", status, len(out))
    spawn = Spawn("head -c 100000 /dev/zero; exit 3", "--output-limit", "100000")
    tap.check(linked(spawn.directory)[0] == 3 and spawn.is_gone(), "the limit itself is fine")


def test_background():
    spawn = Spawn("sleep 1000 & echo $!; exit 8")
    status, out, _ = linked(spawn.directory)
    tap.check(status == 8 and spawn.is_gone(), "a background process that keeps the output open holds up nobody")
    os.kill(int(out), signal.SIGKILL)


def test_hostile_links():
    import socket
    spawn = Spawn("exit 1")
    idle = []
    for data in (b"", b"\0" * 8, b"\xff" * 8, b"\1\0\0\0\x0b\0\0\0x", random.randbytes(100000)):
        client = socket.socket(socket.AF_UNIX)
        client.connect(os.path.join(spawn.directory, "link.sock"))
        try:
            client.sendall(data)
        except OSError:
            pass
        idle.append(client)
    tap.check(linked(spawn.directory)[0] == 1, "nonsense from others of the same user is no harm")
    for client in idle:
        client.close()
    tap.check(spawn.is_gone(), "and ends with them")


try:
    for test in (test_usage, test_waits, test_statuses, test_surroundings, test_bytes, test_volume, test_resume, test_kill_and_begin_anew, test_positions, test_several, test_reader_goes,
                 test_lost, test_signals, test_directories, test_limit, test_background, test_hostile_links):
        test()
finally:
    # After a failure some are left. A spawn that is asked to end takes its command along.
    for process in started:
        if process.poll() is None:
            process.terminate()
            process.kill()
    shutil.rmtree(base, ignore_errors=True)
tap.end()
