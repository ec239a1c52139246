/** Ports of TCP and UDP. */

export type PortProtocol = 'tcp' | 'udp';

export const lastPort = 65_535;

/** Both included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export function portRangesOverlap(one: PortRange, other: PortRange): boolean {
  return one.first <= other.last && other.first <= one.last;
}

/** `80` or `1024-65535`; undefined when it is neither, or runs backwards. */
export function parsePortRange(text: string): PortRange | undefined {
  const [, from, to] = /^([1-9]\d{0,4})(?:-([1-9]\d{0,4}))?$/.exec(text) ?? [];
  if (from === undefined) return undefined;
  const [first, last] = [Number(from), Number(to ?? from)];
  return first <= last && last <= lastPort ? { first, last } : undefined;
}

export function formatPortRange({ first, last }: PortRange): string {
  return first === last ? `${first}` : `${first}-${last}`;
}
