"""The end of a container: with the answer to DESTROY its mounts are gone, as its processes and groups are. A mount of a volume, which is an overlay on it, lets go of it some milliseconds later."""
import ctypes
import os
import select

from container import Container, Tap, TestWorld

ROUNDS = 20
IN_UNMOUNT = 0x2000
MNT_DETACH = 2

tap = Tap()
world = TestWorld()
libc = ctypes.CDLL(None, use_errno=True)


def call(function, *arguments):
    result = function(*arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), function.__name__)
    return result


def watch_end(path):
    """A descriptor that can be read when the file system is shut down: nobody has it mounted any more."""
    descriptor = call(libc.inotify_init1, os.O_CLOEXEC | os.O_NONBLOCK)
    call(libc.inotify_add_watch, descriptor, path.encode(), IN_UNMOUNT)
    return descriptor


def is_over(descriptor):
    return bool(select.select([descriptor], [], [], 0)[0])


def test_mounts():
    answers, early, late = 0, 0, 0
    for round_number in range(ROUNDS):
        path = os.path.join(world.depot, f"mounted-{round_number}")
        os.mkdir(path)
        call(libc.mount, b"none", path.encode(), b"tmpfs", 0, None)
        try:
            end = watch_end(path)
            container = Container(world, round_number + 1, ("MOUNT", [("SOURCE", path), ("DESTINATION", "/tmp"), ("FLAGS", 0)]))
        finally:
            call(libc.umount2, path.encode(), MNT_DETACH)
        early += is_over(end)
        connection = container.connect()
        answers += connection.ask("DESTROY").kind == "OK"
        # Before anything else: the monitor is about to end, and everything it has goes with it.
        late += not is_over(end)
        select.select([container.pidfd], [], [], 10)
        connection.close()
        container.close()
        os.close(end)
    tap.check(answers == ROUNDS, "containers are destroyed", answers)
    tap.check(early == 0, "what is mounted in a container is there as long as it is", early)
    tap.check(late == 0, "with the answer to DESTROY nothing of it is mounted any more", late)


test_mounts()
world.end(tap)
