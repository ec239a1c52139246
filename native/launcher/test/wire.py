"""Frames and attributes of native/lib/wire.h, numbers taken from the header itself."""
import os
import re
import struct

HEADER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib", "wire.h")
with open(HEADER, encoding="utf-8") as header:
    NUMBERS = {name: int(value) for name, value in re.findall(r"\b([A-Z][A-Z0-9_]+) = (\d+)", header.read())}
NAMES = {value: name for name, value in NUMBERS.items() if name.startswith("TAG_")}
TYPES = {value: name for name, value in NUMBERS.items() if name.startswith("WIRE_")}


def attribute(name, value):
    """int: u32; str, bytes: as they are; list of pairs: nested."""
    if isinstance(value, int):
        value = struct.pack("<I", value)
    elif isinstance(value, str):
        value = value.encode()
    elif isinstance(value, list):
        value = b"".join(attribute(*pair) for pair in value)
    return struct.pack("<HHI", NUMBERS["TAG_" + name], 0, len(value)) + value


def frame(kind, *attributes):
    body = b"".join(attribute(*pair) for pair in attributes)
    return struct.pack("<IHH", len(body), NUMBERS["WIRE_" + kind], 0) + body


def attributes(body):
    result = []
    while body:
        tag, _, size = struct.unpack_from("<HHI", body)
        result.append((NAMES[tag][4:], body[8:8 + size]))
        body = body[8 + size:]
    return result


def u32(value):
    return struct.unpack("<I", value)[0]


class Reply(dict):
    """Attributes by name (the last of each), with the frame's type and body."""

    def __init__(self, kind, body):
        super().__init__(attributes(body) if kind not in (NUMBERS["WIRE_OUTPUT"], NUMBERS["WIRE_CONTENT"]) else [])
        self.kind = TYPES[kind][5:]
        self.body = body

    def number(self, name):
        return u32(self[name]) if name in self else None

    def text(self, name):
        return self[name].decode(errors="replace") if name in self else None

    def __repr__(self):
        return f"{self.kind} {dict(self)}"


class Connection:
    def __init__(self, sock, timeout=30):
        self.sock = sock
        self.sock.settimeout(timeout)

    def send(self, kind, *pairs):
        self.sock.sendall(frame(kind, *pairs))

    def _exactly(self, size):
        data = b""
        while len(data) < size:
            more = self.sock.recv(size - len(data))
            if not more:
                raise EOFError("connection closed")
            data += more
        return data

    def read(self):
        size, kind, _ = struct.unpack("<IHH", self._exactly(8))
        return Reply(kind, self._exactly(size))

    def close(self):
        self.sock.close()
