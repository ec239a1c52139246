/**
 * IPv4 addresses and networks as unsigned 32-bit numbers. Pure.
 */

/** An address as an unsigned 32-bit number in host order. */
export type Ipv4Address = number;

export const highestIpv4Address: Ipv4Address = 0xffff_ffff;

/** A range of addresses, both ends included. */
export interface Ipv4Range {
  readonly first: Ipv4Address;
  readonly last: Ipv4Address;
}

const octet = '(0|[1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5])';
const addressPattern = new RegExp(`^${octet}\\.${octet}\\.${octet}\\.${octet}$`);

/** Parses a dotted quad, strictly: four decimal octets, no leading zeros. Undefined when it is anything else. */
export function parseIpv4Address(text: string): Ipv4Address | undefined {
  const match = addressPattern.exec(text);
  if (match === null) return undefined;
  return ((Number(match[1]) << 24) | (Number(match[2]) << 16) | (Number(match[3]) << 8) | Number(match[4])) >>> 0;
}

/** The dotted quad of an address. */
export function formatIpv4Address(address: Ipv4Address): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

/** The four bytes of an address in network order. */
export function ipv4Bytes(address: Ipv4Address): Uint8Array {
  return Uint8Array.of(address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255);
}

/**
 * Parses `a.b.c.d`, `a.b.c.d/n` or `a.b.c.d-e.f.g.h`. Host bits of a CIDR are ignored, as iptables does.
 * Undefined when the text is none of these, or a range runs backwards.
 */
export function parseIpv4Range(text: string): Ipv4Range | undefined {
  const dash = text.indexOf('-');
  if (dash >= 0) {
    const first = parseIpv4Address(text.slice(0, dash));
    const last = parseIpv4Address(text.slice(dash + 1));
    return first === undefined || last === undefined || first > last ? undefined : { first, last };
  }
  const slash = text.indexOf('/');
  const address = parseIpv4Address(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined) return undefined;
  const prefixText = slash < 0 ? '32' : text.slice(slash + 1);
  if (!/^(0|[1-9]|[12][0-9]|3[0-2])$/.test(prefixText)) return undefined;
  const size = 2 ** (32 - Number(prefixText));
  const first = address - (address % size);
  return { first, last: first + size - 1 };
}

/** `a.b.c.d` for one address, else `a.b.c.d-e.f.g.h`: the form that nftables and parseIpv4Range read. */
export function formatIpv4Range(range: Ipv4Range): string {
  const first = formatIpv4Address(range.first);
  return range.first === range.last ? first : `${first}-${formatIpv4Address(range.last)}`;
}

/** `a.b.c.d/n` where the range is a network of more than one address, else as formatIpv4Range does. */
export function formatIpv4Network(range: Ipv4Range): string {
  const size = range.last - range.first + 1;
  const prefix = 32 - Math.log2(size);
  const isNetwork = size > 1 && Number.isInteger(prefix) && range.first % size === 0;
  return isNetwork ? `${formatIpv4Address(range.first)}/${prefix}` : formatIpv4Range(range);
}

/** Whether `inner` lies within `outer`. */
export function ipv4RangeContains(outer: Ipv4Range, inner: Ipv4Range): boolean {
  return outer.first <= inner.first && inner.last <= outer.last;
}
