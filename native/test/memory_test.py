"""The OOM watch of a container's monitor: what watchers and ends of jobs are told, and whom it does not concern."""
import os
import signal

from container import Container, Tap, TestWorld

tap = Tap()
world = TestWorld()

OUT_OF_MEMORY, JOB_ENDED, WSHD_DIED = 7, 3, 2
LIMIT = 32 << 20
# One process that is as large as that, and no other
HUNGRY = f"exec tail -c {4 * LIMIT} < <(head -c {4 * LIMIT} /dev/zero)"
BOMB = f"head -c {2 * LIMIT} /dev/zero | tail -c {2 * LIMIT} | wc -c"
memory = next(path for version, path in sorted(world.groups.parents) if version == 2 or os.path.exists(os.path.join(path, "memory.oom_control")))


def limit(path, value):
    """Memory and, as far as it is counted, memory with swap; -1: none."""
    if os.path.exists(os.path.join(path, "memory.max")):
        world.groups.write(path, "memory.max", "max" if value < 0 else str(value))
        return
    names = ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"]
    for name in names if value >= 0 else reversed(names):
        if os.path.exists(os.path.join(path, name)):
            world.groups.write(path, name, str(value))


def group(container):
    return os.path.join(memory, f"lt{container.number}")


def watch(container):
    watcher = container.connect()
    assert watcher.ask("WATCH").kind == "OK"
    return watcher


def events_until_job(watcher, job):
    """The kinds of events up to the end of the job, which is the last."""
    kinds = []
    while True:
        event = watcher.read()
        kinds.append(event.number("EVENT"))
        if kinds[-1] == JOB_ENDED and event.number("JOB_ID") == job:
            return kinds, event


def test_killed(container):
    limit(group(container), LIMIT)
    watcher = watch(container)
    connection, job, _ = container.spawn(f"set -o pipefail; {BOMB}; exit 0")
    _, end = connection.output()
    kinds, _ = events_until_job(watcher, job)
    tap.check(kinds[0] == OUT_OF_MEMORY and kinds.count(OUT_OF_MEMORY) == 1, "a process that is too large is told of, before the end of its job", kinds)
    connection, job, _ = container.spawn(HUNGRY)
    _, end = connection.output()
    tap.check((end.number("EXIT_KIND"), end.number("EXIT_VALUE"), end.number("OUT_OF_MEMORY")) == (2, signal.SIGKILL, 1), "a job that was killed says why", end)
    kinds, event = events_until_job(watcher, job)
    tap.check(OUT_OF_MEMORY not in kinds and event.number("OUT_OF_MEMORY") == 1, "the second time is no event, and the end of the job still says it", kinds)
    late = watch(container)
    event = late.read()
    tap.check(event.number("EVENT") == OUT_OF_MEMORY and "JOB_ID" not in event, "a later watcher is told first", event)
    for connection in (connection, watcher, late):
        connection.close()


def test_nothing(container):
    limit(group(container), 4 * LIMIT)
    watcher = watch(container)
    connection, job, _ = container.spawn(BOMB)
    _, end = connection.output()
    kinds, event = events_until_job(watcher, job)
    tap.check(kinds == [JOB_ENDED] and "OUT_OF_MEMORY" not in event and "OUT_OF_MEMORY" not in end, "within the limit there is no event", kinds)
    connection, job, _ = container.spawn("kill -KILL $$")
    _, end = connection.output()
    kinds, event = events_until_job(watcher, job)
    tap.check(kinds == [JOB_ENDED] and end.number("EXIT_VALUE") == signal.SIGKILL and "OUT_OF_MEMORY" not in end, "a job that another one killed is not out of memory", end)
    connection.close()
    watcher.close()


def test_parent():
    """All containers together have less than one of them takes."""
    victim, neighbour = Container(world, 4), Container(world, 5)
    watchers = [watch(victim), watch(neighbour)]
    limit(memory, 2 * LIMIT)
    connection, job, _ = victim.spawn(HUNGRY)
    _, end = connection.output()
    tap.check(end.number("OUT_OF_MEMORY") == 1 and watchers[0].read().number("EVENT") == OUT_OF_MEMORY, "a limit of all containers together is told to the one that lost a process", end)
    other, job, _ = neighbour.spawn("exit 4")
    _, end = other.output()
    kinds, _ = events_until_job(watchers[1], job)
    tap.check(kinds == [JOB_ENDED] and end.number("EXIT_VALUE") == 4, "and to no other", kinds)
    limit(memory, -1)
    for connection in (connection, other, *watchers):
        connection.close()
    for container in (victim, neighbour):
        tap.check(container.destroy()[0], "it is destroyed")


def test_init(container):
    """Even PID 1, which the killer takes when there is nobody else: first the reason is told."""
    watcher = watch(container)
    limit(group(container), LIMIT)
    connection, _, _ = container.spawn(f"mkfifo gate; echo made; read x < gate; ({HUNGRY}) & ({HUNGRY}) & wait")
    connection.read()
    # The two share what there is, so neither counts for as much as that. What is started from here on inherits it, what runs does not.
    world.groups.write(f"/proc/{container.init()}", "oom_score_adj", "1000")
    container.spawn("echo > gate", follow=False)[0].close()
    connection.output()
    kinds = []
    while WSHD_DIED not in kinds:
        kinds.append(watcher.read().number("EVENT"))
    tap.check(kinds.index(OUT_OF_MEMORY) < kinds.index(WSHD_DIED), "when PID 1 is killed the reason comes first", kinds)
    connection.close()
    watcher.close()


def test_destroy(container):
    watcher = watch(container)
    gone, reply = container.destroy()
    tap.check(gone, "the removal of a watched group is its end", reply)
    try:
        event = watcher.read()
    except EOFError:
        event = None
    tap.check(event is None, "and no event", event)
    watcher.close()


one, two, three = Container(world, 1), Container(world, 2), Container(world, 3)
test_killed(one)
test_nothing(two)
test_parent()
test_init(three)
test_destroy(two)
for container in (one, three):
    tap.check(container.destroy()[0], "a container that is out of memory is destroyed as any other")
world.end(tap)
