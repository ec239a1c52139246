"""The program archive: what it makes of good archives, and that nothing of a bad one gets out of its directory. As root."""
import gzip
import hashlib
import io
import json
import os
import shutil
import signal
import stat
import struct
import subprocess
import sys
import tarfile
import tempfile

import hostile_archives as hostile

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../build/release/archive')
DEADLINE_S = 5 * float(os.environ.get('WARDEN_TEST_PATIENCE', '1')) * 6   # a hang; the five seconds are of its own time
CPU_LIMIT_S = 5
MEMORY_LIMIT = 64 << 20
count = failures = 0


def check(holds, what, *details):
    global count, failures
    count += 1
    print('%s %d - %s' % ('ok' if holds else 'not ok', count, what.encode('ascii', 'backslashreplace').decode().replace('\n', ' ').replace('#', '')))
    if not holds:
        failures += 1
        for detail in details:
            print('# %s' % str(detail).encode('ascii', 'backslashreplace').decode().replace('\n', ' ')[:2000])


def feed(chunks, pipe):
    try:
        for chunk in chunks:
            pipe.write(chunk)
        pipe.close()
    except BrokenPipeError:
        pass


def extract(data, root, max_bytes=1 << 30, max_entries=100000):
    """(exit status, last report, resources)"""
    os.makedirs(root, mode=0o700)
    directory = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    reports = tempfile.TemporaryFile(dir=os.path.dirname(root))
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(read_end, 100)
        os.dup2(reports.fileno(), 101)
        os.dup2(directory, 102)
        os.dup2(100, 0)
        os.dup2(101, 1)
        os.dup2(102, 3)
        os.set_inheritable(3, True)
        os.closerange(4, 200)
        os.execve(PROGRAM, ['archive', str(max_bytes), str(max_entries)], {})
    os.close(read_end)
    os.close(directory)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.alarm(int(DEADLINE_S))
    with os.fdopen(write_end, 'wb', buffering=0) as pipe:
        feed([data] if isinstance(data, (bytes, bytearray)) else data, pipe)
    _, status, used = os.wait4(pid, 0)
    signal.alarm(0)
    reports.seek(0)
    lines = [json.loads(line) for line in reports.read().decode('ascii').splitlines()]
    reports.close()
    return status, lines[-1] if lines else None, used


def tree(root):
    found = {}
    for directory, directories, files in os.walk(os.fsencode(root)):
        for name in directories + files:
            path = os.path.join(directory, name)
            found[os.path.relpath(path, os.fsencode(root))] = os.lstat(path)
    return found


def test_good(place):
    out = io.BytesIO()
    archive = tarfile.open(fileobj=out, mode='w', format=tarfile.PAX_FORMAT)

    def add(name, kind=tarfile.REGTYPE, data=b'', link='', mode=0o644, uid=0, gid=0, mtime=0, headers=None):
        info = tarfile.TarInfo(name)
        info.type, info.size, info.linkname, info.mode, info.uid, info.gid, info.mtime, info.pax_headers = kind, len(data), link, mode, uid, gid, mtime, headers or {}
        archive.addfile(info, io.BytesIO(data))

    add('./', tarfile.DIRTYPE, mode=0o711)
    add('./usr/bin/', tarfile.DIRTYPE, mode=0o750, uid=5, gid=6, mtime=1000000000)
    add('./usr/bin/su', data=b'program' * 1000, mode=0o4755, uid=1, gid=2, mtime=1234567890)
    capability = struct.pack('<IIIII', 0x02000001, 1 << 13, 0, 0, 0).decode('latin-1')
    add('./usr/bin/ping', data=b'p', mode=0o755, headers={'SCHILY.xattr.security.capability': capability, 'SCHILY.xattr.user.note': 'x', 'SCHILY.xattr.trusted.overlay.redirect': '/etc'})
    add('./bin', tarfile.SYMTYPE, link='usr/bin', uid=3)
    add('./bin/sh', data=b'shell')
    add('./bin/bash', tarfile.LNKTYPE, link='./bin/sh')
    add('./link of a link', tarfile.LNKTYPE, link='bin')
    add('./deep/er/file', data=b'd')
    add('./pipe', tarfile.FIFOTYPE, mode=0o620, uid=7)
    add('./null', tarfile.CHRTYPE)
    add('./also null', tarfile.LNKTYPE, link='null')
    add('./gone/.wh.file')
    add('./cleared/.wh..wh..opq')
    add('./.wh.replaced')
    add('./replaced/new', data=b'n')
    add('./twice', data=b'first')
    add('./twice', data=b'second')
    add('./dir/a', data=b'a')
    add('./dir', data=b'not a directory any more')
    add('./x' + 'y' * 240, data=b'long')
    archive.close()
    plain = out.getvalue()
    zstd = subprocess.run(['zstd', '-q', '-c'], input=plain, stdout=subprocess.PIPE, check=True).stdout
    digest = 'sha256:' + hashlib.sha256(plain).hexdigest()
    for how, data in (('plain', plain), ('gzip', gzip.compress(plain)), ('gzip of two members', gzip.compress(plain[:1000]) + gzip.compress(plain[1000:])), ('zstd', zstd)):
        root = os.path.join(place, how)
        status, report, _ = extract(data, root)
        check(status == 0 and report.get('diffId') == digest and report['fileDigest'] == 'sha256:' + hashlib.sha256(data).hexdigest(), '%s: the digests of what was read and of what is in it' % how, status, report)
        check(report.get('skipped') == 2 and 'null: a device' in report['notes'][0], '%s: a device and its link are left out' % how, report)
    found = tree(root)

    def is_like(path, kind, mode, uid, gid):
        status = found.get(path)
        return status is not None and stat.S_IFMT(status.st_mode) == kind and stat.S_IMODE(status.st_mode) == mode and (status.st_uid, status.st_gid) == (uid, gid)

    check(stat.S_IMODE(os.stat(root).st_mode) == 0o711, 'the root has its mode')
    check(is_like(b'usr/bin', stat.S_IFDIR, 0o750, 5, 6) and found[b'usr/bin'].st_mtime == 1000000000, 'a directory has mode, owner and time, though files came later')
    check(is_like(b'usr/bin/su', stat.S_IFREG, 0o4755, 1, 2) and found[b'usr/bin/su'].st_mtime == 1234567890, 'a file has mode, owner and time')
    check(os.listxattr(os.path.join(root, 'usr/bin/ping')) == ['security.capability', 'user.note'], 'capabilities and user attributes, nothing of overlayfs', os.listxattr(os.path.join(root, 'usr/bin/ping')))
    check(is_like(b'bin', stat.S_IFLNK, 0o777, 3, 0) and os.readlink(os.path.join(root, 'bin')) == 'usr/bin', 'a link is one')
    check(found[b'usr/bin/sh'].st_ino == found[b'usr/bin/bash'].st_ino and found[b'usr/bin/sh'].st_nlink == 2, 'files come through links of the layer; a hard link is the same file')
    check(os.readlink(os.path.join(root, 'link of a link')) == 'usr/bin', 'a hard link to a link is a link')
    check(is_like(b'deep', stat.S_IFDIR, 0o755, 0, 0) and is_like(b'pipe', stat.S_IFIFO, 0o620, 7, 0), 'directories that are missing are made; a FIFO is one')
    check(found[b'gone/file'].st_rdev == 0 and stat.S_ISCHR(found[b'gone/file'].st_mode), 'a name that is taken away')
    check(os.getxattr(os.path.join(root, 'cleared'), 'trusted.overlay.opaque') == b'y', 'a directory that is cleared')
    check(b'null' not in found and b'also null' not in found, 'no device')
    for path, text in (('twice', b'second'), ('dir', b'not a directory any more'), ('replaced/new', b'n')):
        check(open(os.path.join(root, path), 'rb').read() == text, 'the later of two entries counts: %s' % path)
    check(os.getxattr(os.path.join(root, 'replaced'), 'trusted.overlay.opaque') == b'y' if stat.S_ISDIR(found[b'replaced'].st_mode) else False, 'a directory in place of what was taken away shows nothing of that')


def snapshot(place):
    return [(path, status.st_mode, status.st_size, status.st_mtime_ns, status.st_nlink) for path, status in sorted(tree(place).items()) if path != b'in' and not path.startswith(b'in/')]


def test_hostile(place):
    outside = os.path.join(place, 'outside')
    os.makedirs(os.path.join(outside, 'in'))
    for name in ('canary', 'out-of-it'):
        with open(os.path.join(outside, name), 'w') as file:
            file.write('as it was')
    before = snapshot(outside)
    number = 0
    for name, data in hostile.archives():
        number += 1
        root = os.path.join(outside, 'in/root')
        status, report, used = extract(data, root, hostile.LIMIT_BYTES, hostile.LIMIT_ENTRIES)
        found = tree(root)
        devices = [path for path, s in found.items() if stat.S_ISBLK(s.st_mode) or (stat.S_ISCHR(s.st_mode) and s.st_rdev != 0)]
        overlay = [path for path in found if stat.S_ISREG(found[path].st_mode) and any('overlay' in a or a == 'security.selinux' for a in os.listxattr(os.path.join(os.fsencode(root), path)))]
        ends = (status == 0 and 'diffId' in report) or (os.WIFEXITED(status) and os.WEXITSTATUS(status) == 1 and report is not None and 'errno' in report)
        time_s = used.ru_utime + used.ru_stime
        size = sum(s.st_blocks * 512 for s in found.values())
        shutil.rmtree(root)
        check(ends and not devices and not overlay and snapshot(outside) == before and time_s <= CPU_LIMIT_S and used.ru_maxrss * 1024 <= MEMORY_LIMIT and size <= hostile.LIMIT_BYTES * 2 and len(found) <= hostile.LIMIT_ENTRIES,
              'archive %d: %s' % (number, name), status, report, devices, overlay, 'seconds %.1f, KiB %d, entries %d, bytes %d' % (time_s, used.ru_maxrss, len(found), size))
    check(number >= 200, 'there were two hundred of them', number)
    check(not any(os.path.lexists(os.path.join(directory, 'out')) for directory in ('/', '/var/tmp', '/dev/shm', os.getcwd(), place)), 'and nothing of them anywhere')


def main():
    place = tempfile.mkdtemp(prefix='warden-archive-', dir='/var/tmp')
    try:
        test_good(place)
        test_hostile(place)
    finally:
        shutil.rmtree(place)
    print('1..%d' % count)
    return failures != 0


sys.exit(main())
