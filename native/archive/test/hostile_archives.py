"""Two hundred archives that nobody should write: paths that lead out, links to write through, devices, sizes and numbers beyond all bounds, floods. Each is (name, bytes or iterable of bytes)."""
import gzip
import io
import itertools
import struct
import tarfile

LIMIT_ENTRIES = 5000
LIMIT_BYTES = 64 << 20


def header(name=b'f', kind=b'0', size=0, link=b'', mode=b'0000644', uid=b'0000000', gid=b'0000000', size_field=None, magic=b'ustar\x0000', prefix=b'', tail=None, checksum=None):
    field = size_field if size_field is not None else b'%011o' % size
    block = bytearray(512)
    for at, length, value in ((0, 100, name), (100, 8, mode), (108, 8, uid), (116, 8, gid), (124, 12, field), (136, 12, b'00000000000'), (156, 1, kind), (157, 100, link), (257, 8, magic), (345, 155, prefix)):
        block[at:at + len(value[:length])] = value[:length]
    if tail is not None:
        block[345:345 + len(tail)] = tail
    block[148:156] = b' ' * 8
    block[148:156] = checksum if checksum is not None else b'%06o\0 ' % sum(block)
    return bytes(block)


def padded(data):
    return data + b'\0' * (-len(data) % 512)


END = b'\0' * 1024


def entry(name, kind=b'0', data=b'', **fields):
    """With a pax header where the name does not fit."""
    before = b''
    link = fields.get('link', b'')
    if len(name) > 100:
        before += pax(path=name)
    if len(link) > 100:
        before += pax(path=name, linkpath=link)
    return before + header(name, kind, len(data), **fields) + padded(data)


def record(key, value):
    rest = len(key) + len(value) + 3
    size = rest + 1
    while rest + len(str(size)) != size:
        size = rest + len(str(size))
    return b'%d %s=%s\n' % (size, key, value)


def pax(**values):
    text = b''.join(record(key.encode(), value) for key, value in values.items())
    return header(b'pax', b'x', len(text)) + padded(text)


def pax_text(text):
    return header(b'pax', b'x', len(text)) + padded(text)


def paths_that_lead_out():
    for path in (b'../out', b'../../out', b'a/../../out', b'/../out', b'//../out', b'./../out', b'..', b'../', b'a/..', b'/', b'', b'.', b'./', b'a//..//..//out', b'../' * 600 + b'out',
                 b'/var/tmp/out', b'/proc/self/cwd/out', b'/dev/shm/out', b'a\\..\\..\\out', b'C:\\out', b'a/./../../out'):
        for kind in (b'0', b'5', b'2', b'1', b'6'):
            yield 'path %s of type %s' % (path[:30], kind.decode()), entry(path, kind, link=b'x' if kind in b'12' else b'') + END


def links_to_write_through():
    for target in (b'..', b'../..', b'/', b'/var/tmp', b'../../outside', b'.', b'loop', b'/proc/self/root', b'/proc/1/root', b'a/../../..'):
        yield 'a file through a link to %s' % target, entry(b'loop', b'2', link=target) + entry(b'loop/out', data=b'x') + END
        yield 'a file in place of a link to %s' % target, entry(b'loop', b'2', link=target) + entry(b'loop', data=b'x') + END
        yield 'a directory in place of a link to %s' % target, entry(b'loop', b'2', link=target) + entry(b'loop/', b'5', mode=b'0000777') + entry(b'loop/out', data=b'x') + END
        yield 'a whiteout through a link to %s' % target, entry(b'loop', b'2', link=target) + entry(b'loop/.wh.canary') + entry(b'loop/.wh..wh..opq') + END
        yield 'a hard link through a link to %s' % target, entry(b'loop', b'2', link=target) + entry(b'hard', b'1', link=b'loop/canary') + entry(b'hard', data=b'changed') + END
    for target in (b'/etc/passwd', b'../canary', b'../../canary', b'hard', b'', b'/', b'.', b'..'):
        yield 'a hard link to %s' % target, entry(b'hard', b'1', link=target) + entry(b'hard', data=b'changed') + END
    yield 'links in a ring', entry(b'a', b'2', link=b'b') + entry(b'b', b'2', link=b'a') + entry(b'a/f', data=b'x') + END
    yield 'a long chain of links', b''.join(entry(b'l%d' % i, b'2', link=b'l%d' % (i + 1)) for i in range(100)) + entry(b'l0/f', data=b'x') + END
    yield 'a link to more than a path', entry(b'l', b'2', link=b'x' * 4096) + END


def devices_and_the_like():
    for kind in (b'3', b'4'):
        for name in (b'sda', b'dev/null', b'../null', b'.wh.x'):
            yield 'a device of type %s named %s' % (kind.decode(), name), entry(name, kind) + entry(b'link', b'1', link=name) + END
    yield 'a FIFO and data for it', entry(b'p', b'6') + entry(b'p', data=b'x') + entry(b'p/x', data=b'x') + END
    yield 'a file in place of a full directory', entry(b'd/', b'5') + b''.join(entry(b'd/%d' % i) for i in range(500)) + entry(b'd', data=b'x') + END
    yield 'a FIFO in place of a directory', entry(b'd/e/f', data=b'x') + entry(b'd', b'6') + END
    yield 'a root that is a file', entry(b'./', b'0', data=b'x') + END
    yield 'a root of nobody', entry(b'./', b'5', mode=b'0000000') + entry(b'f', data=b'x') + END
    for name in (b'.wh.', b'.wh..', b'.wh...', b'.wh..wh..opq', b'.wh..wh.plnk/x', b'a/.wh.b/c', b'.wh..wh..opq/x', b'.wh.' + b'x' * 252):
        yield 'a whiteout named %s' % name[:20], entry(name) + entry(b'a/.wh.' + name[:200]) + END


def numbers():
    fields = (b'\xff' * 12, b'\x80' + b'\xff' * 11, b'\x80' + b'\0' * 3 + b'\x7f' + b'\xff' * 7, b'\x80' + b'\0' * 10 + b'\x01', b'77777777777\0', b'99999999999\0', b'-0000000001\0', b'            ', b'0x000000100\0', b'+0000000001\0')
    for field in fields:
        yield 'a size of %r' % field, header(size_field=field) + END
        yield 'an owner of %r' % field[:8], header(uid=field[:8]) + END
        yield 'a mode of %r' % field[:8], header(mode=field[:8]) + END
    yield 'a checksum that is wrong', header(checksum=b'0000000 ') + END
    yield 'a checksum that is no number', header(checksum=b'xxxxxxxx') + END
    for size in (1 << 62, (1 << 63) - 1, 1 << 63, 1 << 64, 1 << 80):
        yield 'a size of %d by pax' % size, pax(size=b'%d' % size) + entry(b'f') + END
        yield 'a sparse file of %d bytes by pax 0.1' % size, pax(**{'GNU.sparse.size': b'%d' % size, 'GNU.sparse.map': b'0,0'}) + entry(b'f') + END
        yield 'a sparse file of %d bytes by pax 1.0' % size, pax(**{'GNU.sparse.major': b'1', 'GNU.sparse.realsize': b'%d' % size}) + entry(b'f', data=b'1\n%d\n0\n' % (size - 1)) + END
    yield 'an old sparse file of 2^62 bytes', header(kind=b'S', tail=b'\0' * 41 + b'\0' * 96 + b'\0' + b'\x80' + (1 << 62).to_bytes(11, 'big')) + END
    yield 'a list of segments without end', header(kind=b'S', tail=b'\0' * 137 + b'\1' + b'00000000144') + (b'0' * 11 + b'\0' + b'0' * 11 + b'\0') * 21 + b'\1' * 8 + END
    yield 'two billion segments', pax(**{'GNU.sparse.major': b'1', 'GNU.sparse.realsize': b'1'}) + entry(b'f', data=b'2000000000\n' + b'0\n0\n' * 1000) + END


def texts():
    for text in (b'', b'\n', b'0 x=y\n', b'5 x=\n', b'-5 x=y\n', b'99999 path=x\n', b'9 path=x\n9', b'18446744073709551617 x=y\n', b'7 path=\n', b'6 =xy\n', b'11 path=a\0b\n', b'1' * 3000, b' ' * 600, b'9 path=x' + b'\0'):
        yield 'a pax header of %r' % text[:20], pax_text(text) + entry(b'f') + END
    for name in (b'x' * 256, b'x' * 4095, b'x/' * 2047, b'x/' * 2048, (b'x' * 255 + b'/') * 15, b'd/' * 300 + b'f', b'\xff\xfe', b'a\nb', b'\x1b[31m', b'%s%n', b'-rf', b'$(id)'):
        yield 'a name of %d bytes: %r' % (len(name), name[:12]), entry(name, data=b'x') + END
        yield 'a directory of %d bytes: %r' % (len(name), name[:12]), entry(name + b'/', b'5') + END
    yield 'a GNU name of 5000 bytes', header(b'L', b'L', 5000) + padded(b'x' * 5000) + entry(b'f') + END
    yield 'a GNU name of 2^33 bytes', header(b'L', b'L', size_field=b'77777777777\0') + END
    yield 'a pax header of 2^33 bytes', header(b'x', b'x', size_field=b'77777777777\0') + END
    yield 'a thousand headers about nothing', (pax(path=b'x' * 3000) + header(b'g', b'g')) * 1000 + END
    yield 'attributes', pax(**{'SCHILY.xattr.trusted.overlay.redirect': b'/etc', 'SCHILY.xattr.trusted.overlay.opaque': b'y', 'SCHILY.xattr.user.overlay.metacopy': b'', 'SCHILY.xattr.security.selinux': b'x',
                                'SCHILY.xattr.security.capability': b'\1\0\0\3' + b'\xff' * 20, 'SCHILY.xattr.system.posix_acl_access': b'x', 'SCHILY.xattr.user.ok': b'v'}) + entry(b'f') + END
    yield 'a hundred attributes', pax(**{'SCHILY.xattr.user.%d' % i: b'x' * 100 for i in range(100)}) + entry(b'f') + END
    yield 'an attribute of a mebibyte', pax(**{'SCHILY.xattr.user.x': b'x' * 1000000}) + entry(b'f') + END


def repeated(block, count):
    for _ in range(count // 64):
        yield block * 64


def floods():
    yield 'a million entries', itertools.chain((entry(b'%d/f' % i) for i in range(1000000)), [END])
    yield 'a million times the same', itertools.chain(repeated(entry(b'f'), 1000000), [END])
    yield 'a million global headers', itertools.chain(repeated(header(b'g', b'g'), 1000000), [END])
    yield 'a million names for the next entry', itertools.chain(repeated(header(b'L', b'L', 3) + padded(b'abc'), 500000), [END])
    yield 'ten gigabytes of zeros in ten megabytes', gzip.compress(header(b'f', size_field=b'\x80' + (10 << 30).to_bytes(11, 'big')) + b'\0' * (100 << 20), 9)
    yield 'files that exceed the limit together', itertools.chain((entry(b'%d' % i, data=b'x' * (8 << 20)) for i in range(20)), [END])
    yield 'zeros behind the end', itertools.chain([entry(b'f'), END], repeated(b'\0' * 4096, 100000))
    yield 'ten thousand links of one file', entry(b'f', data=b'x') + b''.join(entry(b'l%d' % i, b'1', link=b'f') for i in range(10000)) + END


def compressed():
    good = entry(b'f', data=b'x' * 3000) + END
    packed = gzip.compress(good)
    yield 'gzip that is cut off', packed[:-9]
    yield 'gzip with a wrong checksum', packed[:-8] + b'\0\0\0\0' + packed[-4:]
    yield 'gzip and more', packed + b'more'
    yield 'gzip of gzip', gzip.compress(packed)
    yield 'gzip of nothing', gzip.compress(b'')
    yield 'a gzip header', b'\x1f\x8b'
    yield 'a gzip header with a name without end', b'\x1f\x8b\x08\x08' + b'\0' * 6 + b'x' * 200000
    yield 'ten thousand empty members', gzip.compress(b'') * 10000 + packed
    yield 'a zstd header', b'\x28\xb5\x2f\xfd'
    yield 'zstd of a window of 2^41 bytes', b'\x28\xb5\x2f\xfd\x00\xff' + b'\x01\0\0'
    yield 'zstd of noise', b'\x28\xb5\x2f\xfd' + bytes(range(256)) * 10
    yield 'frames of zstd to be skipped', (b'\x50\x2a\x4d\x18' + struct.pack('<I', 4) + b'abcd') * 1000
    yield 'a frame to be skipped of 4 GiB', b'\x50\x2a\x4d\x18\xff\xff\xff\xff'
    yield 'nothing', b''
    yield 'zeros', END
    yield 'a block', b'\0' * 512
    yield 'half a block', b'\0' * 300
    yield 'noise', bytes(range(256)) * 40
    yield 'an ELF file', b'\x7fELF' + b'\0' * 1020
    yield 'one without its end', good[:-1024]
    yield 'one that ends in its data', good[:700]


def archives():
    return itertools.chain(paths_that_lead_out(), links_to_write_through(), devices_and_the_like(), numbers(), texts(), floods(), compressed())
