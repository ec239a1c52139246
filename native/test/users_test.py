"""SPAWN by USER_NAME: which lines of a container's /etc/passwd make a user, and that nothing in their place makes root or holds PID 1 up."""
import errno
import time

from container import VCAP, Container, Tap, TestWorld, u64

tap = Tap()
world = TestWorld()

WHO = "id -u; id -g; id -G; echo $HOME; echo $USER; pwd"


def spawn(container, user, *more, privileged=False, script=WHO):
    """(stdout, EXIT or ERROR)"""
    container.next_job += 1
    connection = container.connect()
    reply = connection.ask("SPAWN", ("JOB_ID", container.next_job), ("ARGUMENT", "/bin/bash"), ("SCRIPT", script), ("USER_NAME", user),
                           ("PRIVILEGED", int(privileged)), ("OUTPUT_LIMIT", u64(1 << 20)), ("FOLLOW_OUTPUT", 1), *more)
    if reply.kind == "OK":
        chunks, reply = connection.output()
        connection.ask("FORGET", ("JOB_ID", container.next_job))
        out = b"".join(data for _, _, data in chunks).decode()
    else:
        out = ""
    connection.close()
    return out, reply


def lines(*parts):
    return "".join(f"{part}\n" for part in parts)


def refused(reply, number):
    return reply.kind == "ERROR" and reply.text("STEP") == "find user" and reply.number("ERRNO") == number


def test_names(container):
    out, reply = spawn(container, "vcap")
    tap.check(out == lines(VCAP, VCAP, VCAP, "/home/vcap", "vcap", "/home/vcap"), "a name gives ids, HOME, USER and the working directory", out, reply)
    out, _ = spawn(container, "vcap", ("ENVIRONMENT", "HOME=/tmp"), ("ENVIRONMENT", "USER=other"), ("WORKING_DIRECTORY", "/usr"))
    tap.check(out == lines(VCAP, VCAP, VCAP, "/tmp", "other", "/usr"), "what the request says wins", out)
    out, _ = spawn(container, str(VCAP))
    tap.check(out == lines(VCAP, VCAP, VCAP, "/home/vcap", "vcap", "/home/vcap"), "a number that has a line", out)
    out, _ = spawn(container, f"{VCAP}:77")
    tap.check(out == lines(VCAP, 77, 77, "/home/vcap", "vcap", "/home/vcap"), "and another group", out)
    out, _ = spawn(container, "4242")
    tap.check(out == lines(4242, 4242, 4242, "/", "4242", "/"), "a number without a line", out)
    out, _ = spawn(container, "root", privileged=True)
    tap.check(out.startswith("0\n0\n0\n/root\nroot\n"), "root of a privileged job", out)
    out, _ = spawn(container, "vcap", ("UID", 0), ("GID", 0))
    tap.check(out.startswith(f"{VCAP}\n"), "a name counts more than numbers beside it", out)
    reply = spawn(container, "nobody-here")[1]
    tap.check(refused(reply, errno.ENOENT) and reply.text("DETAIL") == "nobody-here", "an unknown name", reply)
    for user in ("", ":", ":1", "vcap:1", "1:", "1:x", "1:1:1", "-1:0", "4294967295:0", "1:4294967296"):
        tap.check(refused(spawn(container, user)[1], errno.EINVAL), f"'{user}' is no user")
    for user in ("-1", "4294967295", "4294967296", "+", "00", "0x0", "vcap ", "VCAP"):
        tap.check(refused(spawn(container, user)[1], errno.ENOENT), f"'{user}' is nobody")
    for user in ("root", "0", "0:0", f"0:{VCAP}"):
        tap.check(refused(spawn(container, user)[1], errno.EPERM), f"{user} needs a privileged job")
    listing = container.connect().ask("LIST")
    tap.check("JOB" not in listing, "no job is left of those that were refused", listing)


def test_directory(container):
    out, reply = spawn(container, "vcap", ("WORKING_DIRECTORY", "/no/such"))
    tap.check(out.endswith("\n/\n"), "a directory that does not exist: the root", out, reply)
    reply = spawn(container, "vcap", ("WORKING_DIRECTORY", "/no/such"), ("REQUIRE_DIRECTORY", 1))[1]
    tap.check(reply.kind == "ERROR" and reply.text("STEP") == "enter directory" and reply.number("ERRNO") == errno.ENOENT and reply.text("DETAIL") == "/no/such",
              "or an error", reply)
    reply = spawn(container, "vcap", ("WORKING_DIRECTORY", "/root"), ("REQUIRE_DIRECTORY", 1), script="pwd")[1]
    tap.check(reply.kind == "EXIT" or reply.number("ERRNO") == errno.EACCES, "as the job's user", reply)
    out, _ = spawn(container, "vcap", ("WORKING_DIRECTORY", "/usr"), ("REQUIRE_DIRECTORY", 1), script="pwd")
    tap.check(out == "/usr\n", "one that exists", out)


def test_odd_files(container):
    """What root of a container can put at /etc/passwd."""
    def prepare(script):
        # Not by bash, which reads the file itself.
        _, err, end = container.run(f"set -e; rm -rf /etc/passwd; {script}", privileged=True, arguments=("/bin/sh",))
        assert end.number("EXIT_VALUE") == 0, (script, err, end)

    for number in ("0", "00", "+0", "-0", "4294967296", "-1", "4294967295", "0x0", "", " ", "18446744073709551616"):
        prepare(f"echo 'vcap:x:{number}:{number}::/home/vcap:/bin/bash' > /etc/passwd")
        out, reply = spawn(container, "vcap")
        tap.check(refused(reply, errno.EPERM if number == "0" else errno.ENOENT), f"vcap with the number '{number}'", out, reply)
    prepare("printf 'vcap:x:-1:-1::/:/bin/sh\\nvcap:x:0:0::/:/bin/sh\\n' > /etc/passwd")
    tap.check(refused(spawn(container, "vcap")[1], errno.EPERM), "an odd line before one of root's")
    prepare("printf 'vcap:x:1000:1000::/:/bin/sh\\nvcap:x:0:0::/:/bin/sh\\n' > /etc/passwd")
    tap.check(spawn(container, "vcap")[0].startswith("1000\n"), "two lines: the first one counts")
    prepare("(head -c 1000000 /dev/zero | tr '\\0' a; echo; echo 'vcap:x:1000:1000::/tmp:') > /etc/passwd")
    out, reply = spawn(container, "vcap")
    tap.check(out.endswith("/tmp\nvcap\n/tmp\n"), "a line of a megabyte is passed over", out, reply)
    prepare("(head -c 2000000 /dev/zero | tr '\\0' '\\n'; echo 'vcap:x:1000:1000::/tmp:') > /etc/passwd")
    tap.check(refused(spawn(container, "vcap")[1], errno.EFBIG), "a file that is too long")
    prepare("printf 'vcap:x:1000:1000::relative:' > /etc/passwd")
    tap.check(spawn(container, "vcap")[0].endswith("\n/\nvcap\n/\n"), "a home that is no path")
    prepare("true")
    tap.check(refused(spawn(container, "vcap")[1], errno.ENOENT) and spawn(container, "1000")[0].startswith("1000\n1000\n"), "no file")
    prepare("mkfifo /etc/passwd")
    begin = time.monotonic()
    tap.check(refused(spawn(container, "vcap")[1], errno.EINVAL), "a FIFO")
    prepare("mkdir /etc/passwd")
    tap.check(refused(spawn(container, "vcap")[1], errno.EINVAL), "a directory")
    for target in ("/etc/hosts", "/dev/zero", "/proc/self/mem", "/etc/passwd"):
        prepare(f"ln -s {target} /etc/passwd")
        tap.check(refused(spawn(container, "vcap")[1], errno.ELOOP), f"a symbolic link to {target}")
    prepare("echo 'vcap:x:1000:1000::/:' > /etc/passwd")
    holder, job, _ = container.spawn("exec python3 -c \"import fcntl, time; f = open('/etc/passwd', 'r+'); fcntl.fcntl(f, fcntl.F_SETLEASE, fcntl.F_WRLCK); "
                                     "print('held', flush=True); time.sleep(1000)\"", privileged=True)
    tap.check(b"held" in holder.read().body, "somebody holds a lease on it")
    out, reply = spawn(container, "vcap")
    tap.check(refused(reply, errno.EAGAIN) and time.monotonic() - begin < 30, "which holds nobody up", out, reply)
    container.connect().ask("KILL_JOB", ("JOB_ID", job), ("SIGNAL", 9))
    holder.output()
    holder.close()
    tap.check(container.run("echo alive")[0] == b"alive\n", "PID 1 lives")


def main():
    container = Container(world, 1)
    if tap.check(container.reply.kind == "OK", "a container is created", container.reply):
        for test in (test_names, test_directory, test_odd_files):
            test(container)
        tap.check(container.destroy()[0], "it is destroyed")
    world.end(tap)


main()
