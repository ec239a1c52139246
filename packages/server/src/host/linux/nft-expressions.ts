/**
 * Expressions of nftables rules as the kernel takes them: netlink attributes (linux/netfilter/nf_tables.h). Pure. Lengths and types
 * of attributes are the machine's own numbers, which is little-endian as the frames to the native programs are; what is in them is big-endian.
 */

/** Of nlattr: an attribute that is made of attributes. */
const nested = 0x8000;
const listElement = 1;
/** NFT_REG_1 */
const register = 1;

const comparisons = { equal: 0, atMost: 3, atLeast: 5 } as const;
/** NFT_PAYLOAD_*_HEADER */
const headers = { network: 1, transport: 2 } as const;
/** NFT_PAYLOAD_CSUM_INET, and where an IPv4 header has its checksum. */
const internetChecksum = { type: 1, offset: 10 } as const;

/** Loads bytes of a header; a packet that has none there does not match. */
export function payload(header: keyof typeof headers, offset: number, size: number): Uint8Array {
  return expression('payload', [number(1, register), number(2, headers[header]), number(3, offset), number(4, size)]);
}

/** Goes on when what was loaded compares so with `value`, which is in network order. */
export function compare(comparison: keyof typeof comparisons, value: Uint8Array): Uint8Array {
  const bytes = Buffer.from(comparisonOf(comparison, value.length));
  // The value is the last attribute of the last one.
  bytes.set(value, bytes.length - padded(value.length));
  return bytes;
}

/** Comparisons with zeros: each rule has some, and they differ in their values alone. */
const known = new Map<string, Uint8Array>();

function comparisonOf(comparison: keyof typeof comparisons, size: number): Uint8Array {
  const key = `${comparison} ${size}`;
  const bytes = known.get(key) ?? expression('cmp', [number(1, register), number(2, comparisons[comparison]), attribute(3 | nested, attribute(1, new Uint8Array(size)))]);
  known.set(key, bytes);
  return bytes;
}

/** Takes the bits of `mask` of what was loaded, and turns those of `flip` over. */
export function change(mask: Uint8Array, flip: Uint8Array): Uint8Array {
  return expression('bitwise', [number(1, register), number(2, register), number(3, mask.length), attribute(4 | nested, attribute(1, mask)), attribute(5 | nested, attribute(1, flip))]);
}

/** Writes what was loaded into the packet's IPv4 header, whose checksum follows. */
export function store(offset: number, size: number): Uint8Array {
  return expression('payload', [number(5, register), number(2, headers.network), number(3, offset), number(4, size), number(6, internetChecksum.type), number(7, internetChecksum.offset)]);
}

function expression(name: string, attributes: readonly Uint8Array[]): Uint8Array {
  return attribute(listElement | nested, attribute(1, text(name)), attribute(2 | nested, ...attributes));
}

function number(type: number, value: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeInt32BE(value);
  return attribute(type, bytes);
}

function text(value: string): Uint8Array {
  return Buffer.from(`${value}\0`);
}

/** Padded to 4 bytes, which its length does not count. */
function attribute(type: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const size = contents.reduce((sum, { length }) => sum + length, 4);
  const bytes = Buffer.alloc(padded(size));
  bytes.writeUInt16LE(size, 0);
  bytes.writeUInt16LE(type, 2);
  let at = 4;
  for (const content of contents) {
    bytes.set(content, at);
    at += content.length;
  }
  return bytes;
}

function padded(size: number): number {
  return (size + 3) & ~3;
}
