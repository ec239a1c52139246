"""Everything that can be done to jobs at once, in an order that a seed decides, by clients that go away at any moment: the monitor lives, and keeps nothing.
WARDEN_SEED repeats a run; WARDEN_SOAK=1 makes a long one."""
import os
import random
import select
import signal
import time

from container import Container, Tap, TestWorld, u64, wait_until
from wire import attributes, frame

# This build traps undefined behaviour, and overwrites a job that it frees.
os.environ.setdefault("MONITOR_VARIANT", "faults")

tap = Tap()
world = TestWorld()

SECONDS = 60 if os.environ.get("WARDEN_SOAK") == "1" else 4
MAX_CONNECTIONS, MAX_JOBS = 60, 25
SCRIPTS = ("cat", "cat > /dev/null", "sleep 0.05", "exec <&-; sleep 0.1", "head -c 100000 > /dev/null", "yes | head -c 300000", "stty raw -echo 2> /dev/null; cat",
           "(sleep 0.3 &); cat", "sleep 5", "trap '' HUP; (sleep 0.2; echo late) & exit 3", "exec 0<&- 1>&- 2>&-; sleep 0.1")


class Chaos:
    def __init__(self, container, seed):
        self.container = container
        self.random = random.Random(seed)
        self.connections, self.jobs = [], []
        self.started = 0
        self.steps = (self.spawn, self.give, self.give, self.give, self.half, self.resize, self.follow, self.kill, self.forget, self.list, self.read, self.close, self.close)

    def step(self):
        self.random.choice(self.steps)()
        if len(self.connections) > MAX_CONNECTIONS:
            self.connections.pop(0).close()
        if len(self.jobs) > MAX_JOBS:
            self.jobs.pop(0)

    def chance(self, probability):
        return self.random.random() < probability

    def send(self, data):
        """By a new connection, as much as its socket takes."""
        connection = self.container.connect()
        self.connections.append(connection)
        connection.sock.setblocking(False)
        try:
            connection.sock.send(data)
        except BlockingIOError:
            pass

    def ask(self, kind, *pairs):
        if self.jobs:
            self.send(frame(kind, ("JOB_ID", self.random.choice(self.jobs)), *pairs))

    def spawn(self):
        pairs = [("OPEN_INPUT", 1)] if self.chance(0.5) else []
        if self.chance(0.4):
            pairs += [("TERMINAL", 1), ("ROWS", 10), ("COLUMNS", 20)]
        if self.chance(0.4):
            pairs.append(("TIMEOUT_MS", u64(self.random.randint(1, 300))))
        self.started += 1
        self.jobs.append(self.started)
        self.send(frame("SPAWN", ("JOB_ID", self.started), ("ARGUMENT", "/bin/bash"), ("ARGUMENT", "-c"), ("ARGUMENT", self.random.choice(SCRIPTS)), ("USER_NAME", "vcap"),
                        ("OUTPUT_LIMIT", u64(self.random.choice((1000, 1 << 20)))), ("FOLLOW_OUTPUT", self.random.randint(0, 1)), ("DISCARD", int(self.chance(0.2))), *pairs))

    def give(self):
        self.ask("INPUT", ("CONTENT", bytes(self.random.choice((0, 1, 5000, 100000, 1 << 20)))), *([("CLOSE_INPUT", 1)] if self.chance(0.3) else []))

    def half(self):
        self.send(frame("INPUT", ("JOB_ID", self.started), ("CONTENT", b"x" * 100))[:50])

    def resize(self):
        self.ask("RESIZE", ("ROWS", self.random.randint(0, 100)), ("COLUMNS", 7))

    def follow(self):
        self.ask("FOLLOW", ("POSITION", u64(0)), ("NO_WAIT", self.random.randint(0, 1)))

    def kill(self):
        self.ask("KILL_JOB", ("SIGNAL", self.random.choice((signal.SIGHUP, signal.SIGKILL, signal.SIGTERM, signal.SIGCONT))))

    def forget(self):
        self.ask("FORGET")

    def list(self):
        self.send(frame("LIST"))

    def read(self):
        """What a few have to say, and who was closed goes."""
        for connection in [each for each in self.connections if self.chance(0.5)]:
            try:
                while select.select([connection.sock], [], [], 0)[0]:
                    if not connection.sock.recv(1 << 20):
                        raise ConnectionError
            except OSError:
                self.connections.remove(connection)
                connection.close()

    def close(self):
        if self.connections:
            self.connections.pop(self.random.randrange(len(self.connections))).close()


def end_all(container):
    """Also those that are still to be started."""
    waiting = container.connect()
    waiting.send("AWAIT_EMPTY")

    def ended():
        container.connect().ask("SIGNAL_ALL", ("SIGNAL", signal.SIGKILL))
        return bool(select.select([waiting.sock], [], [], 0.1)[0])

    return wait_until(ended, 30) and waiting.read().kind == "OK"


def held(container):
    """What the monitor has open for jobs."""
    found = []
    for number in os.listdir(f"/proc/{container.pid}/fd"):
        try:
            target = os.readlink(f"/proc/{container.pid}/fd/{number}")
        except FileNotFoundError:
            continue   # a connection's
        if target.startswith("pipe:") or "ptmx" in target or "/job-" in target:
            found.append(target)
    return found


def main():
    seed = int(os.environ.get("WARDEN_SEED", time.time_ns() % 2**32))
    print(f"# WARDEN_SEED={seed}")
    container = Container(world, 1)
    if tap.check(container.reply.kind == "OK", "a container is created", container.reply):
        chaos = Chaos(container, seed)
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            chaos.step()
        print(f"# {chaos.started} jobs")
        for connection in chaos.connections:
            connection.close()
        tap.check(end_all(container), "every job ends")
        client = container.connect()
        entries = [dict(attributes(value)) for tag, value in attributes(client.ask("LIST").body) if tag == "JOB"]
        tap.check(all("EXIT_KIND" in entry and "ENDED_MS" in entry for entry in entries), "and is listed so", entries)
        replies = {client.ask("FORGET", ("JOB_ID", int.from_bytes(entry["JOB_ID"], "little"))).kind for entry in entries}
        tap.check(replies <= {"OK"}, "all are forgotten", replies)
        client.close()
        tap.check(wait_until(lambda: not held(container)), "nothing of them is held", held(container))
        tap.check(os.listdir(os.path.join(container.directory, "jobs")) == [], "no file is left")
        tap.check(container.run("echo alive")[0] == b"alive\n", "monitor and PID 1 live")
        tap.check(container.destroy()[0], "it is destroyed")
    world.end(tap)


main()
