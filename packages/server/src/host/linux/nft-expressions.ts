/**
 * Expressions of nftables rules as the kernel takes them: netlink attributes (linux/netfilter/nf_tables.h). Pure. Lengths and types
 * of attributes are the machine's own numbers, which is little-endian as the frames to the native programs are; what is in them is big-endian.
 */

/** Of nlattr: an attribute that is made of attributes. */
const nested = 0x8000;
const listElement = 1;
/** NFT_REG_1; NFT_REG_VERDICT is 0. */
const register = 1;
const verdictRegister = 0;

const metaKeys = { oifname: 7, nfproto: 15, l4proto: 16 } as const;
const comparisons = { equal: 0, atMost: 3, atLeast: 5 } as const;
/** NFT_PAYLOAD_*_HEADER */
const headers = { network: 1, transport: 2 } as const;
const verdicts = { accept: 1, jump: -3, goto: -4 } as const;

/** Loads what is known of the packet beside its bytes. */
export function meta(key: keyof typeof metaKeys): Uint8Array {
  return expression('meta', [number(1, register), number(2, metaKeys[key])]);
}

/** Loads bytes of a header; a packet that has none there does not match. */
export function payload(header: keyof typeof headers, offset: number, size: number): Uint8Array {
  return expression('payload', [number(1, register), number(2, headers[header]), number(3, offset), number(4, size)]);
}

/** Goes on when what was loaded compares so with `value`, which is in network order. */
export function compare(comparison: keyof typeof comparisons, value: Uint8Array): Uint8Array {
  return expression('cmp', [number(1, register), number(2, comparisons[comparison]), attribute(3 | nested, attribute(1, value))]);
}

export function accept(): Uint8Array {
  return verdict([number(1, verdicts.accept)]);
}

/** Goes on in a chain, and behind this rule when that has come to its end. */
export function jump(chain: string): Uint8Array {
  return verdict([number(1, verdicts.jump), attribute(2, text(chain))]);
}

export function goto(chain: string): Uint8Array {
  return verdict([number(1, verdicts.goto), attribute(2, text(chain))]);
}

function verdict(attributes: readonly Uint8Array[]): Uint8Array {
  return expression('immediate', [number(1, verdictRegister), attribute(2 | nested, attribute(2 | nested, ...attributes))]);
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
  const bytes = Buffer.alloc((size + 3) & ~3);
  bytes.writeUInt16LE(size, 0);
  bytes.writeUInt16LE(type, 2);
  let at = 4;
  for (const content of contents) {
    bytes.set(content, at);
    at += content.length;
  }
  return bytes;
}
