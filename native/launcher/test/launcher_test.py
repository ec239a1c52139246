"""The launcher with a monitor that only speaks its language: what is set up, what is refused, and that nothing is left. Root."""
import errno
import json
import os
import re
import signal
import socket
import struct
import subprocess
import tempfile
import threading

import launcher_driver as driver
from wire import NUMBERS, attributes as wire_attributes, frame
from launcher_driver import TABLE, Launcher, Tap, World, element, elements_in, inside, leftovers, links, name_key, run

tap = Tap()


def failed(reply, step, number, detail=""):
    return reply.kind == "ERROR" and reply.text("STEP") == step and reply.number("ERRNO") == number and detail in (reply.text("DETAIL") or "")


def read_report(world, number):
    with open(os.path.join(world.depot, f"lt{number}", "report"), encoding="ascii") as report:
        return [line.split(" ", 1) for line in report.read().splitlines()]


def test_create(world, launcher):
    source, cgroup = world.make("source"), world.make("group")
    reply = launcher.create(1, "normal", ("MOUNT", [("SOURCE", source), ("DESTINATION", "/x"), ("FLAGS", 0)]),
                            ("CGROUP", [("PATH", cgroup + "/lt1"), ("VERSION", 1)]))
    tap.check(reply.kind == "OK", "a container is created", reply)
    container = driver.children(reply.number("PID"))[0]
    tap.check(run("ping", "-c1", "-W2", "10.253.0.6") != "", "the host reaches it")
    own = inside(container, "ip", "-brief", "address", "show", "dev", "w-lt1-1")
    tap.check("10.253.0.6/30" in own and "fe80" not in own, "it has its address, and none of IPv6", own)
    tap.check("fe80" not in run("ip", "address", "show", "dev", "w-lt1-0"), "nor has the host's end")
    tap.check("default via 10.253.0.5" in inside(container, "ip", "route"), "its default route is the host's end")
    tap.check("127.0.0.1" in inside(container, "ip", "address", "show", "up", "dev", "lo"), "its loopback is up")
    details = run("ip", "link", "show", "dev", "w-lt1-0")
    tap.check("mtu 1450" in details and "02:00:00:00:00:01" in details, "MTU and hardware address are as described", details)
    tap.check("w-lt1-0" in elements_in("names") and "02:00:00:01:00:01" in elements_in("sources"), "its elements are in the sets")
    report = read_report(world, 1)
    passed = [value.split() for key, value in report if key == "fd"]
    expected = [os.stat(path).st_ino for path in (os.path.join(world.depot, "lt1"), world.image, source, cgroup)]
    tap.check([int(inode) for inode, _ in passed[4:]] == expected, "directory, image, mount source and cgroup parent come in this order", passed, expected)
    tap.check(any(key == "arguments" and value.split() == ["2", "spare"] for key, value in report) and ["environment", "empty"] in report and ["session", "1"] in report,
              "a monitor has one argument, which it puts its id into, no environment, a session of its own", report)
    tap.check([value for key, value in report if key == "open"] == ["0", "1", "2", "3"], "and four descriptors", report)
    tap.check(sorted(value for key, value in report if key == "root") == ["additions", "assembly", "container", "dev", "empty", "lower", "proc", "root", "sys", "volume"],
              "its root holds nothing of the host", report)
    tap.check(["dev", "read-only"] in report and ["sealed", "yes"] in report, "/dev and the programs cannot be changed", report)
    launcher.stop_monitors()
    reply = launcher.create(1)
    tap.check(failed(reply, "add firewall elements", errno.EEXIST, "element 0"), "elements of an earlier container are named as the cause", reply)
    reply = launcher.ask("FIREWALL", ("ELEMENT", element(2, "names", name_key("w-lt1-0"))), ("ELEMENT", element(2, "sources", driver.source_key(1, "w-lt1-0"))))
    tap.check(reply.kind == "OK", "and can be deleted", reply)
    reply = launcher.create(1)
    tap.check(reply.kind == "OK", "a link that is on its way out is waited for", reply)
    launcher.stop_monitors()
    launcher.ask("FIREWALL", ("ELEMENT", element(2, "names", name_key("w-lt1-0"))), ("ELEMENT", element(2, "sources", driver.source_key(1, "w-lt1-0"))))
    driver.await_no_links()


def test_later_mount(world, launcher):
    late = world.make("late")
    run("mount", "-t", "tmpfs", "late", late)
    try:
        reply = launcher.create(9, "normal", ("MOUNT", [("SOURCE", late), ("DESTINATION", "/x"), ("FLAGS", 0)]), elements=False)
        passed = [value.split() for key, value in read_report(world, 9) if key == "fd"]
        tap.check(reply.kind == "OK" and int(passed[-1][0]) == os.stat(late).st_ino, "what was mounted after the launcher's start is seen", reply, passed)
    finally:
        run("umount", late)
    launcher.stop_monitors()
    tap.check(not driver.new_mounts(world.mounts) and driver.await_no_links() == [], "and not held on to")


def test_parallel(launcher):
    requests = [launcher.send("CREATE", *launcher.description(100 + i, elements=False)) for i in range(20)]
    replies = [launcher.answer(request) for request in requests]
    tap.check(all(reply.kind == "OK" for reply in replies) and len(links()) == 20, "20 creates at once", replies)
    launcher.stop_monitors()
    tap.check(driver.await_no_links() == [], "their links go with them")


def test_failures(world, launcher):
    missing = os.path.join(world.base, "missing")
    file = os.path.join(world.base, "filter")

    def fails(what, step, number, detail, pairs):
        reply = launcher.ask("CREATE", *pairs)
        tap.check(failed(reply, step, number, detail), what, reply)
        left = leftovers(launcher)
        tap.check(not left, f"… and nothing is left", left)

    plain = launcher.description(2)
    fails("an image that does not exist", "open root file system", errno.ENOENT, missing, plain + [("LOWER", missing)])
    fails("an image that is a file", "open root file system", errno.ENOTDIR, file, plain + [("LOWER", file)])
    fails("a mount source that does not exist", "open mount source", errno.ENOENT, missing, plain + [("MOUNT", [("SOURCE", missing), ("FLAGS", 0)])])
    fails("a cgroup without parent", "open cgroup parent", errno.ENOENT, missing, plain + [("CGROUP", [("PATH", missing + "/x")])])
    fails("a container directory that does not exist", "open container directory", errno.ENOENT, missing, plain + [("DIRECTORY", missing)])
    fails("an id that is a path", "check description", errno.EINVAL, "id", plain + [("ID", "../x")])
    fails("a set that does not exist", "add firewall elements", errno.ENOENT, "set nothing", plain + [("ELEMENT", element(1, "nothing", b"1234"))])
    fails("a monitor that exits", "await monitor", errno.ECHILD, "status 7", launcher.description(2, "die"))
    fails("a monitor that is killed", "await monitor", errno.ECHILD, "signal 9", launcher.description(2, "kill"))
    fails("a monitor that reports an error", "made up", errno.ENOSPC, "an object", launcher.description(2, "error"))
    fails("a monitor that fails when the link is there", "made up", errno.ENOSPC, "an object", launcher.description(2, "fail"))
    fails("a monitor that talks nonsense", "await monitor", errno.EMSGSIZE, "", launcher.description(2, "garbage"))
    fails("a process that is not the monitor's", "open network namespace", errno.EPERM, "not the monitor's child", launcher.description(2, "liar"))
    fails("a process in the host's network", "open network namespace", errno.EINVAL, "host's network", launcher.description(2, "host"))
    fails("a monitor that is not ready in time", "await monitor", errno.ETIMEDOUT, "200 ms", launcher.description(2, "hang", ("DEADLINE_MS", 200)))
    fails("one that is not ready after the link was made", "await monitor", errno.ETIMEDOUT, "200 ms", launcher.description(2, "silent", ("DEADLINE_MS", 200)))
    run("ip", "link", "add", "w-lt2-0", "type", "veth", "peer", "name", "other")
    reply = launcher.ask("CREATE", *launcher.description(2, "normal", ("DEADLINE_MS", 200)))
    tap.check(failed(reply, "create link", errno.EEXIST, "w-lt2-0 exists"), "an interface of that name that stays", reply)
    tap.check(links() == ["w-lt2-0"], "… which is left alone", links())
    run("ip", "link", "delete", "w-lt2-0")
    waiting = launcher.send("CREATE", *launcher.description(3, "deaf", ("DEADLINE_MS", 100)))
    reply = launcher.create(4, elements=False)
    tap.check(reply.kind == "OK" and waiting not in launcher.replies, "a create beside one that hangs", reply)
    reply = launcher.answer(waiting)
    tap.check(failed(reply, "await monitor", errno.ETIMEDOUT, "was killed"), "a monitor that does not undo is killed", reply)
    launcher.stop_monitors()
    driver.await_no_links()


def test_abandon(launcher):
    create = launcher.send("CREATE", *launcher.description(5, "silent"))
    twin = launcher.ask("CREATE", *launcher.description(5, "silent"))
    tap.check(failed(twin, "check description", errno.EEXIST), "the same id twice", twin)
    abandon = launcher.send("ABANDON", ("ID", "lt5"))
    reply = launcher.answer(create)
    tap.check(failed(reply, "abandoned", errno.ECANCELED), "an abandoned create fails", reply)
    tap.check(launcher.answer(abandon).kind == "OK" and not leftovers(launcher), "and leaves nothing", leftovers(launcher))
    tap.check(launcher.ask("ABANDON", ("ID", "lt5")).kind == "OK", "an id that is not under way is no error")


def test_firewall(launcher):
    one, two = name_key("one"), name_key("two")

    def change(*changes):
        return launcher.ask("FIREWALL", *[("ELEMENT", change) for change in changes])

    tap.check(change(element(1, "names", one)).kind == "OK" and '"one"' in elements_in("names"), "an element is added")
    reply = change(element(1, "names", two), element(1, "names", one))
    tap.check(failed(reply, "change firewall elements", errno.EEXIST, "element 1"), "adding it again is an error", reply)
    tap.check('"two"' not in elements_in("names"), "and undoes the whole transaction")
    tap.check(change(element(3, "names", two), element(3, "names", one)).kind == "OK" and '"two"' in elements_in("names"), "ensuring it is none")
    reply = change(element(2, "names", name_key("none")), element(2, "names", one), element(2, "names", name_key("none2")))
    tap.check(reply.kind == "OK" and '"one"' not in elements_in("names"), "deleting what is absent is none either, and the rest is deleted", reply)
    tap.check(change(element(2, "names", name_key("none"))).kind == "OK", "even when nothing else is to be done")
    tap.check(change(element(2, "names", two)).kind == "OK" and elements_in("names") == "", "the last one is deleted")
    tap.check(change(element(1, "marks", one, ("DATA", struct.pack("=I", 7)))).kind == "OK" and '"one" : 0x00000007' in elements_in("marks"), "a map's element",
              elements_in("marks"))
    tap.check(failed(change(element(3, "marks", one, ("DATA", struct.pack("=I", 8)))), "change firewall elements", errno.EBUSY) or
              '"one" : 0x00000007' in elements_in("marks"), "other data for the same key is refused")
    change(element(2, "marks", one))
    key, end = b"\x0a\0\0\0" + b"\0\x50\0\0", b"\x0a\0\0\xff" + b"\0\x5a\0\0"
    tap.check(change(element(1, "ranges", key, ("KEY_END", end))).kind == "OK" and "10.0.0.0/24 . 80-90" in elements_in("ranges"), "an interval",
              elements_in("ranges"))
    tap.check(change(element(2, "ranges", key, ("KEY_END", end))).kind == "OK" and elements_in("ranges") == "", "deleted again")
    def fading(operation, *timeout):
        return element(operation, "fading", key, ("KEY_END", end), *[("ELEMENT_TIMEOUT", struct.pack("<Q", value)) for value in timeout])

    # Within its first millisecond the whole time is left.
    reply, seen = change(fading(1, 3_600_000)), elements_in("fading")
    tap.check(reply.kind == "OK" and re.search(r"timeout 1h expires (59m|1h )", seen), "an element with a time", seen)
    reply, seen = change(fading(2), fading(1, 60_000)), elements_in("fading")
    tap.check(reply.kind == "OK" and re.search(r"timeout 1m expires (59s|1m )", seen), "replaced by one with another", seen)
    tap.check(change(fading(2, 1)).kind == "OK" and elements_in("fading") == "", "and deleted")
    for value in (0, 86_400_001, 2**64 - 1):
        tap.check(failed(change(fading(1, value)), "change firewall elements", errno.EINVAL, "time-out"), f"a time of {value} ms is refused")
    many = [element(1, "names", name_key(f"m{i}")) for i in range(2000)]
    tap.check(change(*many).kind == "OK" and elements_in("names").count("m") == 2000, "2,000 elements in one transaction")
    tap.check(change(*[element(2, "names", name_key(f"m{i}")) for i in range(4000)]).kind == "OK" and elements_in("names") == "",
              "4,000 deleted, half of which are absent")
    tap.check(launcher.ask("FIREWALL").kind == "OK", "none at all")
    tap.check(failed(launcher.ask("FIREWALL", ("ELEMENT", [("OPERATION", 1)])), "change firewall elements", errno.EINVAL), "an element without a key")


# The contents of NFTA_RULE_EXPRESSIONS: one expression, immediate, whose verdict is NF_ACCEPT or NF_DROP.
def verdict_rule(code):
    def attribute(kind, value):
        return struct.pack("=HH", 4 + len(value), kind) + value

    verdict = attribute(0x8002, attribute(1, struct.pack(">I", code)))
    data = attribute(1, struct.pack(">I", 0)) + attribute(0x8002, verdict)
    return attribute(0x8001, attribute(1, b"immediate\0\0\0") + attribute(0x8002, data))


def test_chains(launcher):
    accept, drop = verdict_rule(1), verdict_rule(0)

    def chain(operation, name, *rules):
        return "CHAIN", [("OPERATION", operation), ("FAMILY", 1), ("TABLE", driver.TABLE), ("NAME", name), *[("RULE", rule) for rule in rules]]

    def jump(operation, key, target):
        return "ELEMENT", element(operation, "verdicts", name_key(key), ("JUMP", target))

    def listed(name):
        return run("nft", "list", "chain", "inet", driver.TABLE, name).split("{")[2].split()[:-2]

    reply = launcher.ask("FIREWALL", jump(3, "one", "out-one"), chain(3, "out-one", accept, drop, accept))
    tap.check(reply.kind == "OK" and listed("out-one") == ["accept", "drop", "accept"], "a chain is made with its rules in order, and jumped to", reply)
    tap.check('"one" : jump out-one' in elements_in("verdicts"), "by an element that came before it", elements_in("verdicts"))
    reply = launcher.ask("FIREWALL", jump(3, "one", "out-one"), chain(3, "out-one", drop))
    tap.check(reply.kind == "OK" and listed("out-one") == ["drop"], "other rules take the place of those that were there", reply)
    reply = launcher.ask("FIREWALL", chain(1, "out-one", accept), chain(1, "out-new", accept))
    tap.check(reply.kind == "OK" and listed("out-one") == ["drop", "accept"] and listed("out-new") == ["accept"], "rules to add come behind them, or make the chain", reply)
    def noted(*notes):
        return [pair for note in notes for pair in (("RULE", accept), ("RULE_NOTE", b"\0" + bytes([len(note) + 1]) + note.encode() + b"\0"))]

    def loses(name, *notes):
        return "CHAIN", [*chain(1, name)[1], *[("RULE_GONE", dict(noted(note))["RULE_NOTE"]) for note in notes]]

    reply = launcher.ask("FIREWALL", ("CHAIN", [*chain(3, "out-note")[1], *noted("a", "b", "c", "twice", "twice")]))
    tap.check(reply.kind == "OK" and run("nft", "list", "chain", "inet", driver.TABLE, "out-note").count('accept comment "twice"') == 2, "a rule's note is its comment", reply)
    reply = launcher.ask("FIREWALL", loses("out-note", "b"))
    tap.check(reply.kind == "OK" and listed("out-note")[2::3] == ['"a"', '"c"', '"twice"', '"twice"'], "a rule goes by its note, and the others stay", (reply, listed("out-note")))
    for note, what in (("b", "none"), ("twice", "two")):
        reply = launcher.ask("FIREWALL", loses("out-note", "a", note))
        tap.check(failed(reply, "change firewall elements", errno.ENOENT, "chain out-note: no single rule") and len(listed("out-note")) == 12, f"of {what} with that note none goes, and no other", reply)
    tap.check(failed(launcher.ask("FIREWALL", loses("out-none", "a")), "change firewall elements", errno.ENOENT), "a chain that is not there has no rule to lose")
    launcher.ask("FIREWALL", chain(2, "out-note"))
    reply = launcher.ask("FIREWALL", chain(3, "out-one", drop), chain(2, "out-new"))
    tap.check(reply.kind == "OK" and listed("out-one") == ["drop"], "and go with the next ones that are to be all", reply)
    reply = launcher.ask("FIREWALL", chain(3, "out-one", accept, b"\x08\0\x01\x80abcd"))
    tap.check(failed(reply, "change firewall elements", errno.EINVAL, "chain out-one") and listed("out-one") == ["drop"],
              "a rule that the kernel refuses names its chain, and nothing is changed", reply)
    reply = launcher.ask("FIREWALL", chain(2, "out-one"))
    tap.check(failed(reply, "change firewall elements", errno.EBUSY, "chain out-one"), "a chain that is jumped to is not deleted", reply)
    reply = launcher.ask("FIREWALL", chain(2, "out-none"), chain(2, "out-one"), jump(2, "one", "out-one"), jump(2, "none", "out-none"))
    tap.check(reply.kind == "OK" and elements_in("verdicts") == "" and "out-one" not in run("nft", "list", "table", "inet", driver.TABLE),
              "chains go with what jumps to them; what is absent is no error", reply)
    reply = launcher.ask("FIREWALL", jump(3, "one", "out-none"))
    tap.check(reply.kind == "ERROR" and reply.number("ERRNO") == errno.ENOENT, "a jump to nowhere is refused", reply)
    many = [chain(3, f"many-{i}", *([accept] * 8)) for i in range(1000)]
    tap.check(launcher.ask("FIREWALL", *many).kind == "OK" and listed("many-999") == ["accept"] * 8, "a thousand chains with 8 rules each at once")
    tap.check(launcher.ask("FIREWALL", *[chain(2, f"many-{i}") for i in range(1000)]).kind == "OK", "and all deleted")
    for what, pairs in (("a chain with an unknown operation", [chain(4, "x")]), ("one without a name", [chain(3, "")]), ("one that is to go and has rules", [chain(2, "x", accept)]),
                        ("an empty rule", [chain(3, "x", b"")]), ("a rule that is too long", [chain(3, "x", bytes(4100))]),
                        ("data beside a jump", [("ELEMENT", element(3, "verdicts", name_key("x"), ("DATA", b"1234"), ("JUMP", "y")))])):
        tap.check(failed(launcher.ask("FIREWALL", *pairs), "change firewall elements", errno.EINVAL), f"{what} is refused")
    tap.check(failed(launcher.ask("FIREWALL", chain(3, "x", *[accept] * 8193)), "change firewall elements", errno.E2BIG), "8,193 rules are refused")


def test_watch_firewall(launcher):
    def watch(table=TABLE):
        return launcher.ask("WATCH_FIREWALL", ("TABLE", table))

    def event():
        reply = launcher.connection.read()
        return (reply.kind, reply.number("EVENT")) == ("EVENT", NUMBERS["EVENT_FIREWALL_CHANGED"]) and reply

    tap.check(failed(watch(""), "watch firewall", errno.EINVAL), "a watch needs a table")
    tap.check(watch().kind == "OK", "the firewall is watched")
    tap.check(failed(watch("another"), "watch firewall", errno.EBUSY), "one table only")
    run("nft", "add table inet another; add chain inet another x; delete table inet another")
    run("nft", f"add table ip {TABLE}; delete table ip {TABLE}")
    added = launcher.ask("FIREWALL", ("ELEMENT", element(1, "names", name_key("w-watched-0"))))
    tap.check(added.kind == "OK" and watch().kind == "OK", "other tables, and what the launcher does itself, are no event", added)
    flush = f"delete element inet {TABLE} names {{ w-watched-0 }}"
    nft = subprocess.Popen(["nft", flush])
    reply = event()
    tap.check(reply and nft.pid in (reply.number("AUTHOR_PORT"), reply.number("AUTHOR_PID")) and reply.text("AUTHOR_NAME") == "nft", "an element that somebody else deletes is one, with who it was", reply)
    nft.wait()
    for change in (f"add set inet {TABLE} more {{ type ifname; }}", f"add chain inet {TABLE} more", f"add rule inet {TABLE} more drop", f"flush chain inet {TABLE} more"):
        run("nft", change)
    run("nft", f"delete chain inet {TABLE} more; delete set inet {TABLE} more")
    tap.check(watch().kind == "OK", "until it is asked again nothing is told")
    reply = event()
    tap.check(reply and "AUTHOR_PORT" not in reply, "then all of it in one event, without a name", reply)
    for what, change in (("a new chain", f"add chain inet {TABLE} more"), ("a new rule", f"add rule inet {TABLE} more drop"), ("a rule less", f"flush chain inet {TABLE} more"),
                         ("a chain less", f"delete chain inet {TABLE} more"), ("a new element", f"add element inet {TABLE} names {{ w-watched-1 }}"),
                         ("a sleeping table", f"add table inet {TABLE} {{ flags dormant; }}"), ("flush ruleset", "flush ruleset")):
        tap.check(watch().kind == "OK", f"{what}: asked again")
        run("nft", change)
        tap.check(event(), f"{what} is an event")
    subprocess.run(["nft", "-f", "-"], input=driver.TABLE_RULES, text=True, check=True)
    tap.check(watch().kind == "OK" and event(), "and so is what is loaded afterwards")


def test_discard(world, launcher):
    trash = os.path.join(world.depot, "trash")
    outside = os.path.join(world.depot, "outside")
    os.makedirs(os.path.join(trash, "one/a/b"))
    os.makedirs(os.path.join(trash, "busy/mount"))
    os.makedirs(outside)
    os.symlink(outside, os.path.join(trash, "one/link"))
    inside_outside = os.path.join(outside, "kept")
    with open(inside_outside, "w", encoding="ascii"):
        pass

    def discard(path, *names):
        return launcher.ask("DISCARD", ("PATH", path), *[("NAME", name) for name in names])

    reply = discard(trash, "one", "absent")
    tap.check(reply.kind == "OK" and os.listdir(trash) == ["busy"] and os.path.exists(inside_outside), "a directory is removed, and not what its links lead to", reply)
    run("mount", "-t", "tmpfs", "none", os.path.join(trash, "busy/mount"))
    os.makedirs(os.path.join(trash, "two"))
    reply = discard(trash, "busy", "two")
    tap.check(failed(reply, "remove discarded directories", errno.EBUSY, "mount"), "what cannot be removed is named", reply)
    tap.check(os.listdir(trash) == ["busy"], "and keeps nothing else from being removed", os.listdir(trash))
    run("umount", os.path.join(trash, "busy/mount"))
    for name in ("../outside", "busy/mount", "..", ".", ""):
        reply = discard(trash, name)
        tap.check(failed(reply, "remove discarded directories", errno.EINVAL), f"a name that is no entry is refused: '{name}'", reply)
    tap.check(failed(discard("relative", "x"), "remove discarded directories", errno.EINVAL), "a relative directory is refused")
    os.symlink(outside, os.path.join(world.depot, "elsewhere"))
    reply = discard(os.path.join(world.depot, "elsewhere"), "kept")
    tap.check(reply.kind == "ERROR" and os.path.exists(inside_outside), "a link in its place, too", reply)
    tap.check(discard(trash, "busy").kind == "OK" and os.listdir(trash) == [], "tried again, it is removed")


def test_quota(world, launcher):
    """Where there are no quotas. Where there are, the virtual machine tests it."""
    def ask(kind, identity, *more, path=None):
        return launcher.ask("QUOTA", ("PATH", path or plain), ("QUOTA_KIND", kind), ("QUOTA_ID", identity), *more)

    plain = world.make("plain")
    run("mount", "-t", "tmpfs", "plain", plain)
    try:
        for kind, name in ((1, "user"), (2, "project")):
            for more, step in (((), "read quota"), ((("BLOCK_LIMIT", struct.pack("<Q", 1024)),), "set quota")):
                reply = ask(kind, 7, *more)
                tap.check(failed(reply, step, errno.ENOSYS, f"{name} quotas: this kernel, or this kind of file system, has none"), f"{step}: a file system without {name} quotas", reply)
    finally:
        run("umount", plain)
    for reply in (ask(3, 7), ask(1, 0), ask(2, 2**32 - 1), ask(1, 7, path="relative"), ask(1, 7, path=world.base + "/../x")):
        tap.check(failed(reply, "read quota", errno.EINVAL), "what makes no sense is refused", reply)
    reply = ask(1, 7, path=os.path.join(world.base, "missing"))
    tap.check(failed(reply, "read quota", errno.ENOENT, "missing"), "a directory that is not there", reply)
    os.symlink(plain, os.path.join(world.base, "link"))
    reply = ask(1, 7, path=os.path.join(world.base, "link"))
    tap.check(failed(reply, "read quota", errno.ENOTDIR, "link"), "a link is not followed", reply)


def bucket(reply, direction):
    """(rate, burst) of a reply, or None."""
    if direction not in reply:
        return None
    values = dict(wire_attributes(reply[direction]))
    return struct.unpack("<Q", values["RATE"])[0], struct.unpack("<Q", values["BURST"])[0]


def test_bandwidth(launcher):
    """The two discs and the redirection, told and told again, by one who does not take them for granted."""
    host, ifb = "w-lt60-0", "w-lt60-2"

    def shape(rate, burst, mtu=1450, host_name=host):
        return launcher.ask("SHAPE", ("HOST_NAME", host_name), ("IFB_NAME", ifb), ("ALIAS", "warden test lt60"), ("MTU", mtu),
                            ("RATE", struct.pack("<Q", rate)), ("BURST", struct.pack("<Q", burst)))

    def read():
        reply = launcher.ask("READ_SHAPE", ("HOST_NAME", host), ("IFB_NAME", ifb), ("MTU", 1450))
        return bucket(reply, "INBOUND"), bucket(reply, "OUTBOUND")

    def shown(device):
        return [disc for disc in json.loads(run("tc", "-json", "qdisc", "show", "dev", device)) if disc["kind"] == "tbf"]

    tap.check(failed(shape(1000, 1000), "limit bandwidth", errno.ENODEV, host), "a link that is not there is named")
    tap.check(ifb not in links(), "and nothing was made for it")
    launcher.create(60)
    tap.check(read() == (None, None), "a link has no limit at first", read())
    reply = shape(100_000, 1000)
    tap.check(reply.kind == "OK" and bucket(reply, "INBOUND") == bucket(reply, "OUTBOUND") == (100_000, 1000), "a limit is set and read back", reply)
    tap.check([disc["options"]["rate"] for device in (host, ifb) for disc in shown(device)] == [100_000] * 2, "tc sees a tbf of that rate in both directions",
              shown(host), shown(ifb))
    tap.check("Redirect" in run("tc", "filter", "show", "dev", host, "ingress"), "and the redirection")
    own = run("ip", "address", "show", "dev", ifb)
    tap.check("inet" not in own and "UP" in own, "the ifb is up and has no address", own)
    tap.check("alias warden test lt60" in run("ip", "link", "show", "dev", ifb), "it says whose it is")
    exact = [(1, 1), (999, 2_000_000), (1_000_000, 1_000_001), (12_345_678_901, 987_654_321), ((1 << 32) - 1, 65_536), (1 << 32, 65_536), (1 << 40, 1 << 31), (1, 1 << 31)]
    for rate, burst in exact:
        reply = shape(rate, burst)
        tap.check(reply.kind == "OK" and read() == ((rate, burst), (rate, burst)), f"rate {rate} and burst {burst} can be read back exactly", reply, read())
    filters = run("tc", "filter", "show", "dev", host, "ingress")
    tap.check(filters.count("Redirect") == 1, "however often it is set there is one redirection", filters)
    for rate, burst in [(0, 1), (1, 0), ((1 << 40) + 1, 1), (1, (1 << 31) + 1), ((1 << 64) - 1, (1 << 64) - 1)]:
        tap.check(failed(shape(rate, burst), "limit bandwidth", errno.EINVAL), f"rate {rate} and burst {burst} are refused")
    tap.check(failed(shape(1, 1, mtu=0), "limit bandwidth", errno.EINVAL) and failed(shape(1, 1, host_name="../x"), "limit bandwidth", errno.EINVAL), "so are a bad MTU and name")
    tap.check(read() == ((1, 1 << 31),) * 2, "and nothing has changed")
    shape(100_000, 1000)
    run("tc", "qdisc", "replace", "dev", host, "root", "handle", "1:", "tbf", "rate", "8mbit", "burst", "10000", "limit", "50000")
    inbound = read()[0]
    tap.check(inbound[0] == 1_000_000 and abs(inbound[1] - 10_000) <= 1, "what somebody else has set is read, too", inbound)
    run("tc", "qdisc", "delete", "dev", host, "ingress")
    tap.check(read()[1] is None, "without the redirection nothing is limited that comes from the container", read())
    run("tc", "qdisc", "delete", "dev", host, "root")
    tap.check(read() == (None, None), "without the disc nothing that goes to it", read())
    tap.check(shape(5000, 6000).kind == "OK" and read() == ((5000, 6000),) * 2, "set again, all is there again", read())
    run("ip", "link", "delete", ifb)
    tap.check(read() == ((5000, 6000), None), "the same without the ifb", read())
    tap.check(shape(5000, 6000).kind == "OK" and read() == ((5000, 6000),) * 2, "which is made anew, and the redirection leads to the new one", read())
    reply = launcher.ask("UNSHAPE", ("HOST_NAME", host), ("IFB_NAME", ifb))
    tap.check(reply.kind == "OK" and read() == (None, None) and ifb not in links() and "ingress" not in run("tc", "qdisc", "show", "dev", host), "taken off, nothing is left of it", reply)
    tap.check(launcher.ask("UNSHAPE", ("HOST_NAME", host), ("IFB_NAME", ifb)).kind == "OK", "and again is no error")
    shape(5000, 6000)
    requests = [launcher.send("UNSHAPE", ("IFB_NAME", ifb)) for _ in range(5)]
    tap.check([launcher.answer(request).kind for request in requests] == ["OK"] * 5 and ifb not in links(), "several at once neither")
    tap.check(failed(launcher.ask("UNSHAPE", ("HOST_NAME", host)), "remove bandwidth limit", errno.EINVAL), "without a name there is nothing to remove")
    launcher.stop_monitors()
    launcher.ask("FIREWALL", ("ELEMENT", element(2, "names", name_key(host))), ("ELEMENT", element(2, "sources", driver.source_key(60, host))))
    driver.await_no_links()


def test_datagrams(launcher):
    with tempfile.TemporaryDirectory() as directory:
        path = f"{directory}/s"
        for name in (path, f"@warden-test-{os.getpid()}"):
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
                receiver.bind(name.replace("@", "\0"))
                receiver.settimeout(5)
                reply = launcher.ask("DATAGRAM", ("PATH", name), ("CONTENT", b"READY=1\n\0\xff"))
                tap.check(reply.kind == "OK" and receiver.recv(100) == b"READY=1\n\0\xff", f"a datagram arrives at {name[0]}… as it is", reply)
                fill = None
                for count in range(10000):
                    fill = launcher.ask("DATAGRAM", ("PATH", name), ("CONTENT", b"x"))
                    if fill.kind != "OK":
                        break
                tap.check(failed(fill, "send datagram", errno.EAGAIN), "nobody waits for a receiver without room", fill)
        tap.check(failed(launcher.ask("DATAGRAM", ("PATH", path), ("CONTENT", b"x")), "send datagram", errno.ECONNREFUSED, path), "a socket without an owner is told")
    for name, content, number in (("", b"x", errno.EINVAL), ("relative", b"x", errno.EINVAL), ("/", b"x", errno.EINVAL), ("/" + "a" * 107, b"x", errno.ENAMETOOLONG), ("/x", b"", errno.EMSGSIZE), ("/x", bytes(16385), errno.EMSGSIZE)):
        tap.check(failed(launcher.ask("DATAGRAM", ("PATH", name), ("CONTENT", content)), "send datagram", number), f"refused: {name[:10]}, {len(content)} bytes")


def test_link_statistics(launcher):
    host = "w-lt61-0"

    def read(name=host):
        reply = launcher.ask("READ_LINK", ("HOST_NAME", name))
        return reply if reply.kind != "OK" else {name: struct.unpack("<Q", reply[name])[0] for name in ("IN_BYTES", "IN_PACKETS", "OUT_BYTES", "OUT_PACKETS")}

    tap.check(failed(read(), "read what a link has carried", errno.ENODEV, host), "a link that is not there has carried nothing that could be told")
    for name in ("", "../x", "a" * 16):
        tap.check(read(name).kind == "ERROR", f"the name '{name}' is refused")
    launcher.create(61)
    run("ip", "neigh", "replace", "198.51.100.1", "lladdr", "02:00:00:00:00:01", "dev", host, "nud", "permanent")
    run("ip", "route", "add", "198.51.100.1", "dev", host)
    before = read()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(3):
            sender.sendto(bytes(100), ("198.51.100.1", 9))
    after = read()
    tap.check((after["IN_PACKETS"] - before["IN_PACKETS"], after["IN_BYTES"] - before["IN_BYTES"]) == (3, 3 * 142), "three datagrams to the container are three packets of 142 bytes", before, after)
    shown = json.loads(run("ip", "-json", "-statistics", "link", "show", "dev", host))[0]["stats64"]
    tap.check(read() == {"IN_BYTES": shown["tx"]["bytes"], "IN_PACKETS": shown["tx"]["packets"], "OUT_BYTES": shown["rx"]["bytes"], "OUT_PACKETS": shown["rx"]["packets"]},
              "ip sees the same", shown, read())
    launcher.stop_monitors()
    launcher.ask("FIREWALL", ("ELEMENT", element(2, "names", name_key(host))), ("ELEMENT", element(2, "sources", driver.source_key(61, host))))
    driver.await_no_links()


def test_link_removal(launcher):
    host = "w-lt62-0"

    def remove(name, index):
        return launcher.ask("REMOVE_LINK", ("HOST_NAME", name), ("LINK_INDEX", index))

    launcher.create(62)
    index = socket.if_nametoindex(host)
    tap.check(remove(host, index + 1).kind == "OK" and host in links(), "a link with another number is the next container's, and stays")
    tap.check(remove("w-lt63-0", index).kind == "OK" and host in links(), "so does one with another name")
    tap.check(remove(host, index).kind == "OK" and host not in links(), "with both it is removed")
    tap.check(remove(host, index).kind == "OK", "and again is no error")
    tap.check(failed(launcher.ask("REMOVE_LINK", ("HOST_NAME", host)), "remove link", errno.EINVAL), "without a number there is nothing to remove")
    tap.check(remove("a" * 16, 1).kind == "ERROR", "a name that no interface can have is refused")
    launcher.stop_monitors()
    launcher.ask("FIREWALL", ("ELEMENT", element(2, "names", name_key(host))), ("ELEMENT", element(2, "sources", driver.source_key(62, host))))
    driver.await_no_links()


def test_listening(launcher):
    def listening(protocol, port):
        reply = launcher.ask("LISTENING", ("PROTOCOL", protocol), ("PORT", port))
        return reply.number("LISTENING") if reply.kind == "OK" else reply

    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::1")):
        with socket.socket(family, socket.SOCK_STREAM) as server, socket.socket(family, socket.SOCK_DGRAM) as receiver, socket.socket(family, socket.SOCK_DGRAM) as sender:
            server.bind((address, 0))
            port = server.getsockname()[1]
            tap.check(listening(6, port) == 0, f"a socket at {address} that does not listen yet")
            server.listen()
            receiver.bind((address, 0))
            taken = receiver.getsockname()[1]
            tap.check((listening(6, port), listening(17, taken)) == (1, 1), f"sockets at {address} that do")
            tap.check((listening(17, port), listening(6, taken)) == (0, 0), "and not of the other protocol")
            sender.connect((address if address != "0.0.0.0" else "127.0.0.1", taken))
            tap.check(listening(17, sender.getsockname()[1]) == 0, "one that is connected takes nothing from anybody else")
        tap.check((listening(6, port), listening(17, taken)) == (0, 0), "and none when they are closed")
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]

        def add(name, protocol):
            reply = launcher.ask("FIREWALL", ("ELEMENT", element(1, "names", name_key(name))), ("PROTOCOL", protocol), ("PORT", port))
            return reply.number("LISTENING") if reply.kind == "OK" else reply

        def have(name):
            return launcher.ask("FIREWALL", ("ELEMENT", element(1, "names", name_key(name)))).kind == "ERROR"

        tap.check(add("w-taken-0", 6) == 1 and not have("w-taken-0"), "a change that is to be made unless somebody listens is not made when somebody does")
        tap.check(add("w-free-0", 17) == 0 and have("w-free-0"), "and made when nobody does")
        with socket.create_connection(("127.0.0.1", port)) as connected:
            reply = launcher.ask("LISTENING", ("PROTOCOL", 6), ("PORT", connected.getsockname()[1]))
            tap.check(reply.number("LISTENING") == 0, "a connected socket's port is nobody's to listen on", reply)
        launcher.ask("FIREWALL", *[("ELEMENT", element(2, "names", name_key(name))) for name in ("w-taken-0", "w-free-0")])
        refused = launcher.ask("FIREWALL", ("PROTOCOL", 1), ("PORT", port))
        tap.check(failed(refused, "look for a listening socket", errno.EINVAL), "a port of another protocol is refused", refused)
    for protocol, port in ((6, 0), (6, 65536), (1, 80), (0, 80)):
        tap.check(failed(listening(protocol, port), "look for a listening socket", errno.EINVAL), f"protocol {protocol}, port {port} is refused")


def test_forget_connections(launcher):
    rules = """
table inet forget {
  chain output {
    type filter hook output priority 0
    ct state new accept
  }
  chain lead {
    type nat hook output priority -100
    udp dport 5300 dnat ip to 127.0.0.9:5353
  }
}
"""
    subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)

    def known(text):
        with open("/proc/net/nf_conntrack", encoding="ascii") as table:
            return sum(text in line for line in table.read().splitlines())

    def send(source, target, port, count=1):
        for _ in range(count):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.bind((source, 0))
                sender.sendto(b"x", (target, port))

    def packed(*addresses):
        return b"".join(socket.inet_aton(address) for address in addresses)

    def forget(*pairs):
        return launcher.ask("FORGET_CONNECTIONS", *pairs).kind

    def port(protocol, number, address=None):
        return ("FORWARDED_PORT", [("PROTOCOL", protocol), ("PORT", number)] + ([("ADDRESS", packed(address))] if address else []))

    send("127.0.0.2", "127.0.0.3", 9, 5)
    send("127.0.0.4", "127.0.0.3", 9, 5)
    tap.check((known("src=127.0.0.2 dst"), known("src=127.0.0.4 dst")) == (5, 5), "the kernel knows ten connections")
    tap.check(forget(("ADDRESS_RANGE", packed("127.0.0.2", "127.0.0.2"))) == "OK" and (known("src=127.0.0.2 dst"), known("src=127.0.0.4 dst")) == (0, 5), "one address alone is forgotten")
    send("127.0.0.2", "127.0.0.3", 9)
    tap.check(forget(("ADDRESS_RANGE", packed("127.0.0.3", "127.0.0.3"))) == "OK" and known("127.0.0.3") == 0, "and so are those that would be answered from one")
    send("127.0.0.2", "127.0.0.5", 5300, 3)
    send("127.0.0.2", "127.0.0.5", 5301, 2)
    tap.check(forget(port(17, 5300, "127.0.0.8")) == "OK" and known("dport=5300") == 3, "a port that led to another address is left alone")
    tap.check(forget(port(17, 5301, "127.0.0.5")) == "OK" and known("dport=5301") == 2, "and so is one that led nowhere")
    tap.check(forget(port(17, 5300, "127.0.0.9")) == "OK" and (known("dport=5300"), known("dport=5301")) == (0, 2), "what came by a port is forgotten")
    tap.check(forget(port(17, 5301)) == "OK" and known("dport=5301") == 0, "and what nobody answered")
    send("127.0.1.1", "127.0.0.3", 9, 3000)
    send("127.0.2.1", "127.0.0.3", 9, 3000)
    send("127.0.3.1", "127.0.0.3", 9, 10)
    before = known("src=127.0.3.1 dst")
    tap.check(forget(("ADDRESS_RANGE", packed("127.0.1.0", "127.0.1.255")), ("ADDRESS_RANGE", packed("127.0.2.0", "127.0.2.255")), port(6, 1, "127.0.0.1")) == "OK" and
              (known("src=127.0.1.1 dst"), known("src=127.0.2.1 dst"), known("src=127.0.3.1 dst")) == (0, 0, before), "six thousand of two networks, and no other", before)
    tap.check(forget() == "OK", "nothing to forget is no error")
    tap.check(failed(launcher.ask("FORGET_CONNECTIONS", ("ADDRESS_RANGE", packed("0.0.0.0", "255.255.255.255"))), "forget connections", errno.EINVAL), "everything is refused")
    run("nft", "delete", "table", "inet", "forget")


def test_spare(launcher):
    def spares():
        return [pid for pid in driver.children(launcher.process.pid) if driver.is_spare(pid)]

    # Served in order: when this is answered there is nothing else to do, or soon.
    launcher.ask("ABANDON", ("ID", "none"))
    driver.wait_until(lambda: len(spares()) == 1)
    first = spares()[0]
    reply = launcher.create(11, elements=False)
    tap.check(reply.kind == "OK" and reply.number("PID") == first, "a create takes the monitor that was started in advance", reply, first)
    driver.wait_until(lambda: len(spares()) == 1)
    second = spares()[0]
    os.kill(second, signal.SIGKILL)
    driver.wait_until(lambda: second not in driver.children(launcher.process.pid))
    launcher.ask("ABANDON", ("ID", "none"))
    launcher.ask("ABANDON", ("ID", "none"))
    tap.check(driver.children(launcher.process.pid).count(second) == 0 and not spares(), "one that has died is not started again and again", spares())
    reply = launcher.create(12, elements=False)
    tap.check(reply.kind == "OK" and reply.number("PID") != second, "one that was killed is no reason to fail", reply, second)
    driver.wait_until(lambda: len(spares()) == 1)
    launcher.stop_monitors()


def test_large(launcher):
    reply = launcher.create(10, "normal", ("UPPER_FILE", [("PATH", "/x"), ("CONTENT", b"x" * 3_000_000)]), elements=False)
    tap.check(reply.kind == "OK", "a description of 3 MB", reply)
    reply = launcher.create(11, "normal", ("UPPER_FILE", [("PATH", "/x"), ("CONTENT", b"x" * 5_000_000)]), elements=False)
    tap.check(failed(reply, "check description", errno.EMSGSIZE), "one of 5 MB is refused", reply)
    launcher.stop_monitors()
    count, first = 50_000, launcher.request + 1
    launcher.request += count
    requests = b"".join(frame("FIREWALL", ("REQUEST", first + i)) for i in range(count))
    sender = threading.Thread(target=launcher.connection.sock.sendall, args=(requests,))
    sender.start()
    # Nothing is read until the launcher, whose answers pile up, takes no more: then the sender is stuck.
    sender.join(timeout=1)
    stuck = sender.is_alive()
    replies = [launcher.connection.read().number("REQUEST") for _ in range(count)]
    sender.join()
    tap.check(stuck and replies == list(range(first, first + count)), "50,000 requests at once, answered in order, and held back while nobody reads", stuck)


def test_hello(world):
    first = Launcher(world)
    reply = first.hello()
    tap.check(reply.kind == "OK", "hello", reply)
    second = Launcher(world, variant="release")
    other = subprocess.Popen(["sleep", "60"])
    lock = os.path.join(world.depot, "lock")
    tap.check(open(lock, encoding="ascii").read() == f"{os.getpid()}\n", "the lock holds wardend's pid")
    with open(lock, "r+", encoding="ascii") as text:
        text.truncate(0)
        text.write(f"{other.pid}\n")
    reply = second.hello()
    tap.check(failed(reply, "lock depot", errno.EBUSY, str(other.pid)) and reply.number("OWNER") == other.pid, "a second wardend on the depot is refused", reply)
    tap.check(second.close()[0] == 1, "and its launcher ends")
    other.kill()
    other.wait()
    third = Launcher(world)
    third.connection.send("HELLO", ("VERSION", 1), ("DEPOT", world.depot), ("MONITOR_PROGRAM", third.monitor), ("WSHD_PROGRAM", "/bin/true"),
                          ("FILES_PROGRAM", "/bin/true"), ("SECCOMP_PROGRAM", world.filter))
    tap.check(first.close() == (0, ""), "end of file ends the launcher")
    tap.check(third.connection.read().kind == "OK", "whose lock is waited for when its wardend is dead")
    third.connection.sock.sendall(struct.pack("<IHH", 0, 77, 0))
    status, words = third.close()
    tap.check(status == 1 and "read request" in words, "a message that is none ends the launcher with a word about it", status, words)
    for what, changes, step, number in [("another version", {"VERSION": 2}, "read hello", errno.EPROTO),
                                        ("a depot that does not exist", {"DEPOT": "/nowhere"}, "lock depot", errno.ENOENT),
                                        ("a monitor that does not exist", {"MONITOR_PROGRAM": "/nowhere"}, "load programs", errno.ENOENT),
                                        ("a locale archive that does not exist", {"LOCALE_ARCHIVE": "/nowhere"}, "make minimal mount namespace", errno.ENOENT),
                                        ("one that is no file", {"LOCALE_ARCHIVE": "/usr"}, "make minimal mount namespace", errno.EINVAL),
                                        ("a filter that is none", {"SECCOMP_PROGRAM": "/bin/true"}, "load programs", errno.EFBIG)]:
        refused = Launcher(world)
        reply = refused.hello(**changes)
        tap.check(failed(reply, step, number), what, reply)
        tap.check(refused.close()[0] == 1, "… ends the launcher")


def test_end_of_wardend(world):
    launcher = Launcher(world)
    launcher.hello()
    finished = launcher.create(6, elements=False)
    launcher.send("CREATE", *launcher.description(7, "silent"))
    # Served in order: when this is answered, the create before it is under way.
    launcher.ask("ABANDON", ("ID", "none"))
    unfinished = [pid for pid in driver.children(launcher.process.pid) if pid != finished.number("PID")]
    descriptors = [os.pidfd_open(pid) for pid in unfinished]
    status = launcher.close()
    tap.check(status == (0, "") and len(unfinished) == 1, "a launcher ends with a create under way", status)
    tap.check(all(driver.select.select([descriptor], [], [], 10)[0] for descriptor in descriptors), "whose monitor undoes it")
    tap.check(elements_in("names") == "", "its elements are deleted")
    tap.check(os.path.exists(f"/proc/{finished.number('PID')}"), "the monitor of a finished create lives on")
    launcher.stop_monitors()
    tap.check(driver.await_no_links() == [], "no link is left")


def test_faults(world):
    program = os.path.join(driver.NATIVE, "build", os.environ.get("LAUNCHER_VARIANT", "faults"), "launcher")
    for step in run(program, "--start-steps").splitlines():
        launcher = Launcher(world, variant="faults")
        group = [("DEVICE_CGROUP", [("PATH", "/nowhere"), ("VERSION", 2)])] if step == "set device rules" else []
        reply = launcher.hello(("FAULT", [("STEP", step), ("ERRNO", errno.EXFULL)]), *group)
        tap.check(failed(reply, step, errno.EXFULL), f"hello fails at: {step}", reply)
        launcher.close()
    launcher = Launcher(world, variant="faults")
    launcher.hello()
    for step in run(program, "--steps").splitlines():
        reply = launcher.create(8, "normal", ("FAULT", [("STEP", step), ("ERRNO", errno.EXFULL)]))
        tap.check(failed(reply, step, errno.EXFULL), f"a create fails at: {step}", reply)
        left = leftovers(launcher)
        tap.check(not left, "… and leaves nothing", left)
    tap.check(launcher.create(8).kind == "OK", "after all of them a create succeeds")
    launcher.stop_monitors()
    launcher.close()


def main():
    driver.enter_namespaces()
    world = World()
    try:
        test_hello(world)
        launcher = Launcher(world)
        launcher.hello()
        test_create(world, launcher)
        test_watch_firewall(launcher)
        descriptors = len(os.listdir(f"/proc/{launcher.process.pid}/fd"))
        test_later_mount(world, launcher)
        test_parallel(launcher)
        test_failures(world, launcher)
        test_abandon(launcher)
        test_firewall(launcher)
        test_chains(launcher)
        test_discard(world, launcher)
        test_quota(world, launcher)
        test_bandwidth(launcher)
        test_datagrams(launcher)
        test_link_statistics(launcher)
        test_link_removal(launcher)
        test_listening(launcher)
        test_forget_connections(launcher)
        test_spare(launcher)
        test_large(launcher)
        driver.await_no_links()
        tap.check(not leftovers(launcher), "nothing is left of all this", leftovers(launcher))
        now = len(os.listdir(f"/proc/{launcher.process.pid}/fd"))
        tap.check(now == descriptors, "it has as many descriptors as after its first create", descriptors, now)
        tap.check(launcher.close() == (0, ""), "the launcher ends well")
        test_end_of_wardend(world)
        test_faults(world)
    finally:
        Launcher.stop_all()
        world.remove()
    tap.end()


main()
