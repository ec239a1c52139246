/** Elements of the firewall's sets and maps: parts of their keys as the kernel has them, and lists of them in the text of the tables. Pure. */

/** In network order. */
export function portBytes(port: number): Uint8Array {
  return Uint8Array.of(port >>> 8, port & 255);
}

/** A part of a concatenation: a whole register of 4 bytes. */
export function paddedPort(port: number): Uint8Array {
  return Uint8Array.of(...portBytes(port), 0, 0);
}

/** The same of a protocol's number. */
export function paddedProtocol(protocol: number): Uint8Array {
  return Uint8Array.of(protocol, 0, 0, 0);
}

/** Of a set in the text of a table; nothing for none. */
export function elements(list: readonly string[]): string {
  return list.length === 0 ? '' : `elements = { ${list.join(', ')} };`;
}
