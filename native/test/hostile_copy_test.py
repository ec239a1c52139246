"""The host's end of a copy, when the other end is not the program that it should be: a container that has got hold of that can say whatever it likes."""
import errno
import fcntl
import os
import re
import select
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import termios

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "launcher", "test"))

from launcher_driver import NATIVE, Tap  # noqa: E402
from wire import NUMBERS, Connection, attribute  # noqa: E402

with open(os.path.join(NATIVE, "files", "copy-frames.h"), encoding="utf-8") as header:
    NUMBERS.update({name: int(value) for name, value in re.findall(r"\b((?:COPY|TAG)_[A-Z_]+) = (\d+),", header.read())})

PROGRAM = os.path.join(NATIVE, "build", os.environ.get("FILES_VARIANT", "faults"), "files")
DEADLINE = 20
EPOLL = select.epoll()
DIRECTORY, OTHER = NUMBERS["COPY_KIND_DIRECTORY"], NUMBERS["COPY_KIND_OTHER"]
tap = Tap()


def raw(kind, body=b"", reserved=0):
    return struct.pack("<IHH", len(body), NUMBERS.get(f"COPY_{kind}", NUMBERS.get(f"WIRE_{kind}")), reserved) + body


def frame(kind, *pairs):
    return raw(kind, b"".join(attribute(*pair) for pair in pairs))


def source(kind=DIRECTORY, contents=1, name=""):
    return frame("SOURCE", ("KIND", kind), ("CONTENTS", contents), ("NAME", name))


def entry(kind, name, mode=0o644, **more):
    return frame(kind, ("NAME", name), ("MODE", mode), *more.items())


FINISHED, LEAVE = frame("FINISHED"), frame("LEAVE")


def content(data=b"of the container", size=None):
    """A file that nobody else has."""
    fd = os.memfd_create("content")
    os.write(fd, data)
    if size is not None:
        os.truncate(fd, size)
    reader = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY)
    os.close(fd)
    return reader


class Attempt:
    """`files host` with a launcher, a monitor and a container's end that are all ours."""

    def __init__(self, operation, path="into", entries=1000, size=1 << 20, keep=False, program=PROGRAM):
        self.base = tempfile.mkdtemp(prefix="hostile-copy-")
        self.path = os.path.join(self.base, path)
        self.outside = os.path.join(self.base, "outside")
        for name in ("into", "from", "outside"):
            os.mkdir(os.path.join(self.base, name))
        for name in ("outside/canary", "from/file"):
            with open(os.path.join(self.base, name), "w", encoding="ascii") as out:
                out.write("of the host")
        os.makedirs(os.path.join(self.base, "container", "run"))
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(os.path.join(self.base, "container", "run", "monitor.sock"))
        listener.listen()
        listener.settimeout(DEADLINE)
        ours, theirs = socket.socketpair(socket.AF_UNIX)
        self.process = subprocess.Popen(["files", "host"], executable=program, stdin=theirs, env={})
        self.pidfd = os.pidfd_open(self.process.pid)
        theirs.close()
        self.launcher = Connection(ours, DEADLINE)
        inside, outside = ("DESTINATION", "SOURCE") if operation == "COPY_IN" else ("SOURCE", "DESTINATION")
        self.launcher.send("COPY", ("FILE_OPERATION", NUMBERS[f"FILE_{operation}"]), ("DIRECTORY", os.path.join(self.base, "container")), (inside, "/inside"),
                           (outside, self.path), ("UID", 1), ("GID", 1), ("WORKING_DIRECTORY", "/"), ("ENTRY_LIMIT", struct.pack("<Q", entries)),
                           ("BYTE_LIMIT", struct.pack("<Q", size)), ("KEEP_SET_ID", int(keep)))
        other, _ = listener.accept()
        listener.close()
        self.other = Connection(other, DEADLINE)
        assert self.other.read().kind == "TRANSFER"

    def say(self, *frames):
        """Frames, or (frame, descriptor) which is closed then. False: the other side has heard enough."""
        for each in frames:
            data, fds = each if isinstance(each, tuple) else (each, [])
            fds = [fds] if isinstance(fds, int) else fds
            try:
                socket.send_fds(self.other.sock, [data], fds)
            except OSError:
                return False
            finally:
                for fd in set(fds):
                    os.close(fd)
        return True

    def end(self):
        """(what the launcher is told, its errno, how many counts came before), once the process has ended."""
        told, reports = None, 0
        try:
            while (told := self.launcher.read()).kind not in ("OK", "ERROR"):
                reports += 1
        except (EOFError, OSError):
            told = None
        ended = bool(select.select([self.pidfd], [], [], DEADLINE)[0])
        tap.count_ended += 1
        if not ended:
            tap.check(False, "the process ends", told)
            self.process.kill()
        self.process.wait()
        self.other.close()
        self.launcher.close()
        os.close(self.pidfd)
        return (told.kind, told.number("ERRNO"), reports) if told else ("NOTHING", self.process.returncode, reports)

    def holds(self):
        """Everything that was made, and that what should not be touched is as it was."""
        kept = os.listdir(self.outside) == ["canary"] and open(os.path.join(self.outside, "canary"), encoding="ascii").read() == "of the host"
        beside = sorted(os.listdir(self.base)) == ["container", "from", "into", "outside"] and os.listdir(os.path.join(self.base, "from")) == ["file"]
        root = os.path.join(self.base, "into")
        made = {os.path.relpath(os.path.join(folder, name), root): os.lstat(os.path.join(folder, name)) for folder, folders, files in os.walk(root) for name in folders + files}
        if not kept or not beside:
            tap.check(False, "nothing but the destination is touched", sorted(os.listdir(self.base)), os.listdir(self.outside))
        return made

    def remove(self):
        shutil.rmtree(self.base)


tap.count_ended = 0


def out(*frames, **options):
    """A copy_out of those frames: (kind, errno), and what was made."""
    attempt = Attempt("COPY_OUT", **options)
    attempt.say(*frames)
    kind, number, _ = attempt.end()
    made = attempt.holds()
    attempt.remove()
    return (kind, number), made


def refused(number, what, *frames, **options):
    result, made = out(*frames, **options)
    tap.check(result == ("ERROR", number), what, result)
    return made


def wait_until(holds):
    """For what no event tells of."""
    for _ in range(DEADLINE * 50):
        if holds():
            return True
        select.select([], [], [], 0.02)
    return False


def waiting(sock):
    """Bytes that nobody has read."""
    return struct.unpack("i", fcntl.ioctl(sock, termios.FIONREAD, b"\0" * 4))[0]


def test_names():
    names = ["..", ".", "", "a/b", "/etc/x", "../escape", "/", "x" * 256, "x" * 5000, b"a\0b"]
    wrong = []
    for name in names:
        for each in ([entry("DIRECTORY", name), LEAVE], [(entry("FILE", name), content())], [entry("LINK", name, CONTENT="target")]):
            result, made = out(source(), *each, FINISHED)
            if result[0] != "ERROR" or made:
                wrong.append((name, result, list(made)))
    tap.check(not wrong, f"{len(names)} names that are none of an entry make nothing", wrong)
    wrong = [(name, result) for name in names[:6] for result, made in [out(source(OTHER, 0, name), (entry("FILE", name), content()), FINISHED, path="into/named")]
             if result != ("OK", None) or list(made) != ["named"]]
    tap.check(not wrong, "a source's name plays no part where the destination has one", wrong)
    strange = [b"new\nline", b"\x1b]0;title\x07", b"\xff\xfe", b" ", b"-rf", b"...", b"~root"]
    result, made = out(source(), *[(entry("FILE", name), content()) for name in strange], FINISHED)
    tap.check(result == ("OK", None) and sorted(os.fsencode(name) for name in made) == sorted(strange), "any other bytes are a name", result, list(made))


def test_links():
    """What is made first is not followed by what comes then."""
    attempt = Attempt("COPY_OUT")
    link = entry("LINK", "a", CONTENT=attempt.outside)
    attempt.say(source(), link, entry("DIRECTORY", "a", 0o755), (entry("FILE", "canary"), content()), LEAVE, FINISHED)
    result, made = attempt.end()[:2], attempt.holds()
    tap.check(result == ("OK", None) and stat.S_ISDIR(made["a"].st_mode) and "a/canary" in made, "a directory takes the place of a link of the same name", result, list(made))
    attempt.remove()
    attempt = Attempt("COPY_OUT")
    attempt.say(source(), entry("LINK", "a", CONTENT=os.path.join(attempt.outside, "canary")), (entry("FILE", "a"), content()), FINISHED)
    result, made = attempt.end()[:2], attempt.holds()
    tap.check(result == ("OK", None) and stat.S_ISREG(made["a"].st_mode), "a file, too", result)
    attempt.remove()
    # Somebody on the host, say through a bind mount, puts a link where a directory is being filled.
    attempt = Attempt("COPY_OUT")
    attempt.say(source(), entry("DIRECTORY", "a", 0o755), (entry("FILE", "first"), content()))
    inside = os.path.join(attempt.base, "into", "a")
    wait_until(lambda: os.path.exists(os.path.join(inside, "first")))
    os.rename(inside, inside + "-moved")
    os.symlink(attempt.outside, inside)
    attempt.say((entry("FILE", "canary"), content()), entry("DIRECTORY", "sub", 0o755), LEAVE, LEAVE, entry("DIRECTORY", "a", 0o755), (entry("FILE", "canary"), content()), LEAVE, FINISHED)
    result, made = attempt.end()[:2], attempt.holds()
    tap.check(result == ("OK", None) and "a-moved/canary" in made and stat.S_ISDIR(made["a"].st_mode), "a directory that is exchanged for a link is not followed", result, sorted(made))
    attempt.remove()
    refused(errno.EINVAL, "a link to nothing", source(), entry("LINK", "a", CONTENT=""), FINISHED)
    refused(errno.EBADMSG, "a link without a target", source(), entry("LINK", "a"), FINISHED)


def test_descriptors():
    base = tempfile.mkdtemp(prefix="hostile-copy-fds-")
    fifo, plain = os.path.join(base, "fifo"), os.path.join(base, "plain")
    os.mkfifo(fifo)
    with open(plain, "w", encoding="ascii") as file:
        file.write("x")
    pair = socket.socketpair(socket.AF_UNIX)
    kinds = {
        "a FIFO": lambda: os.open(fifo, os.O_RDWR), "a directory": lambda: os.open(base, os.O_RDONLY), "a device": lambda: os.open("/dev/zero", os.O_RDONLY),
        "a socket": lambda: os.dup(pair[0].fileno()), "a file for writing": lambda: os.open(plain, os.O_WRONLY), "a file for both": lambda: os.open(plain, os.O_RDWR),
        "an epoll": lambda: os.dup(EPOLL.fileno()), "the root of the host": lambda: os.open("/", os.O_RDONLY),
    }
    wrong = [(what, result, list(made)) for what, make in kinds.items() for result, made in [out(source(), (entry("FILE", "a"), make()), FINISHED)] if result != ("ERROR", errno.EBADMSG) or made]
    tap.check(not wrong, f"{len(kinds)} descriptors that are not of a file to be read", wrong)
    result, made = out(source(), (entry("FILE", "a"), os.open(plain, os.O_PATH)), FINISHED)
    tap.check(result[0] == "ERROR" and not made, "one of a path alone", result)
    refused(errno.EBADMSG, "a file without its descriptor", source(), entry("FILE", "a"), FINISHED)
    result, _ = out(source(), *[(entry("LINK", f"l{i}", CONTENT="x"), [os.open("/dev/null", os.O_RDONLY)] * 100) for i in range(20)], FINISHED)
    tap.check(result == ("ERROR", errno.EMFILE), "descriptors that nobody needs have a limit", result)
    shutil.rmtree(base)


def test_modes():
    _, made = out(source(), (entry("FILE", "file", 0xffffffff), content()), entry("DIRECTORY", "directory", 0xffffffff), LEAVE, FINISHED)
    tap.check([oct(made[name].st_mode) for name in ("file", "directory")] == ["0o101777", "0o41777"], "set-id bits are taken away, and what is no mode", made)
    _, made = out(source(), (entry("FILE", "file", 0xffffffff), content()), FINISHED, keep=True)
    tap.check(oct(made["file"].st_mode) == "0o107777" and made["file"].st_uid == 0, "unless they are wanted", made)


def test_limits():
    made = refused(errno.EDQUOT, "more entries than allowed", source(), *[each for i in range(11) for each in (entry("DIRECTORY", f"d{i}"), LEAVE)], FINISHED, entries=10)
    tap.check(len(made) == 10, "of which those are there that were", sorted(made))
    made = refused(errno.EDQUOT, "more bytes than allowed", source(), (entry("FILE", "a"), content(b"x" * (1 << 20))), (entry("FILE", "b"), content(b"yy")), FINISHED)
    # Two threads write: either of the files may be the one that is too much.
    tap.check({name: status.st_size for name, status in made.items()} in ({"a": 1 << 20}, {"b": 2}), "of which whole files stay", sorted(made))
    # Large enough for the other thread, so that nobody has heard of its end when the directory is left.
    made = refused(errno.EDQUOT, "more bytes in the last file of a directory", source(), entry("DIRECTORY", "d", 0o755), (entry("FILE", "a"), content(b"x" * 20000)), LEAVE, FINISHED, size=4096)
    tap.check({name: oct(status.st_mode) for name, status in made.items()} == {"d": "0o40755"}, "which gets its mode all the same", made)
    refused(errno.EDQUOT, "a file that has no end when it is read", source(), (entry("FILE", "a"), os.open("/proc/kallsyms", os.O_RDONLY)), FINISHED, size=4096)
    result, made = out(source(), (entry("FILE", "a"), content(b"x", 1 << 62)), FINISHED)
    tap.check(result in (("OK", None), ("ERROR", errno.EFBIG)) and all(status.st_blocks < 100 for status in made.values()), "2^62 bytes of holes take no room", result, made)
    refused(errno.ELOOP, "too many levels", source(), *[entry("DIRECTORY", "d")] * 257, FINISHED)
    refused(errno.EBADMSG, "out of the destination", source(), LEAVE, (entry("FILE", "a"), content()), FINISHED)
    refused(errno.EBADMSG, "finished in the middle", source(), entry("DIRECTORY", "d"), FINISHED)


def flood(attempt, *frames):
    """Again and again until nobody listens; how often."""
    count = 0
    data = b"".join(frames) * 100
    while count < 100000 and attempt.say(data):
        count += 100
    return count


def test_floods():
    attempt = Attempt("COPY_OUT")
    attempt.say(source())
    count = flood(attempt, frame("SKIPPED", ("NAME", "x" * 100)))
    result = attempt.end()
    tap.check(result[:2] == ("ERROR", errno.EDQUOT), "entries that are left out have a limit", result, count)
    attempt.remove()
    attempt = Attempt("COPY_OUT", entries=1 << 40)
    attempt.say(source())
    attempt.launcher.close()
    count = flood(attempt, entry("DIRECTORY", "d"), LEAVE)
    ended = bool(select.select([attempt.pidfd], [], [], DEADLINE)[0])
    tap.check(ended and count < 100000, "a copy is given up in the middle of a flood", count)
    attempt.end()
    attempt.remove()
    attempt = Attempt("COPY_IN", path="from/")
    attempt.say(frame("OK"))
    count = flood(attempt, frame("PROGRESS", ("ENTRIES", struct.pack("<Q", 1)), ("BYTES", struct.pack("<Q", 1))))
    kind, number, reports = attempt.end()
    tap.check((kind, number) == ("ERROR", errno.EBADMSG) and reports < 100, "reports are passed on at a receiver's pace alone", kind, number, reports, count)
    attempt.holds()
    attempt.remove()


def test_frames():
    for what, number, frames in [
            ("an entry before its source", errno.EBADMSG, [(entry("FILE", "a"), content())]),
            ("a second source", errno.EBADMSG, [source(), source(name="again")]),
            ("a frame of no type", errno.EBADMSG, [source(), struct.pack("<IHH", 8, 999, 0) + attribute("NAME", "")]),
            ("a frame that is too long", errno.EMSGSIZE, [source(), struct.pack("<IHH", 1 << 20, NUMBERS["COPY_LINK"], 0)]),
            ("a header that is none", errno.EBADMSG, [source(), raw("LEAVE", reserved=7)]),
            ("an attribute longer than its frame", errno.EBADMSG, [source(), raw("LINK", struct.pack("<HHI", NUMBERS["TAG_NAME"], 0, 4000))]),
            ("an entry without a name", errno.EBADMSG, [source(), frame("DIRECTORY", ("MODE", 0o755))]),
            ("a mode of the wrong size", errno.EBADMSG, [source(), frame("DIRECTORY", ("NAME", "a"), ("MODE", b"1"))]),
            ("an error that is none", errno.EPROTO, [source(), frame("ERROR")]),
            ("an error of no number", errno.EPROTO, [source(), frame("ERROR", ("ERRNO", 0xffffffff), ("DETAIL", "x" * 8000))]),
            ("an error", errno.EACCES, [source(), frame("ERROR", ("ERRNO", errno.EACCES), ("DETAIL", "it says"))])]:
        made = refused(number, what, *frames)
        if made:
            tap.check(False, "and nothing is made", list(made))
    attempt = Attempt("COPY_OUT")
    attempt.say(source(), raw("LINK", b"x" * 100)[:50])
    attempt.other.sock.shutdown(socket.SHUT_RDWR)
    tap.check(attempt.end()[:2] == ("ERROR", errno.EPIPE), "half a frame, and the end")
    attempt.remove()


def test_receivers():
    for what, frames in [("is done before anything was sent", [frame("OK"), frame("DONE")]), ("does not say that it is ready", [frame("DONE")]),
                         ("sends a file", [frame("OK"), (entry("FILE", "a"), content())]), ("says that it is ready twice", [frame("OK"), frame("OK")])]:
        attempt = Attempt("COPY_IN", path="from/")
        # So that what it says is read in the middle of the copy, not behind its end.
        os.kill(attempt.process.pid, signal.SIGSTOP)
        attempt.say(*frames)
        os.kill(attempt.process.pid, signal.SIGCONT)
        result = attempt.end()
        tap.check(result[:2] == ("ERROR", errno.EBADMSG), f"a receiver that {what}", result)
        attempt.holds()
        attempt.remove()
    attempt = Attempt("COPY_IN", path="from/")
    for number in range(3000):
        os.symlink("x" * 200, os.path.join(attempt.base, "from", f"link{number}"))
    attempt.say(frame("OK"))
    full = wait_until(lambda: waiting(attempt.other.sock) > 10000)
    attempt.launcher.close()
    tap.check(full and bool(select.select([attempt.pidfd], [], [], DEADLINE)[0]), "a copy to one that does not read can be given up")
    attempt.end()
    attempt.remove()


def test_silence():
    """Of ones that give up after a second, all at once."""
    impatient = os.path.join(NATIVE, "build", "test", "impatient-files")
    cases = [("that says nothing", "COPY_OUT", []), ("that says nothing more", "COPY_OUT", [source(), entry("DIRECTORY", "d")]),
             ("that never is ready", "COPY_IN", []), ("that never is done", "COPY_IN", [frame("OK")]), ("whose frame comes byte by byte", "COPY_OUT", [source()])]
    attempts = [Attempt(operation, path="into" if operation == "COPY_OUT" else "from/", program=impatient) for _, operation, _ in cases]
    for attempt, (_, _, frames) in zip(attempts, cases):
        attempt.say(*frames)
    for byte in entry("LINK", "x" * 200, CONTENT="y" * 4000):
        if select.select([attempts[-1].pidfd], [], [], 0.05)[0] or not attempts[-1].say(bytes([byte])):
            break
    for attempt, (what, _, _) in zip(attempts, cases):
        result = attempt.end()
        tap.check(result[:2] == ("ERROR", errno.ETIMEDOUT), f"an end {what} is not waited for for ever", result)
        attempt.remove()


def main():
    for test in (test_names, test_links, test_descriptors, test_modes, test_limits, test_frames, test_floods, test_receivers, test_silence):
        test()
    tap.check(tap.count_ended > 80, "every process has ended", tap.count_ended)
    tap.end()


main()
