/**
 * What names have opened to one container: addresses, with protocols and ports, each until a time. The kernel's set takes no two elements that
 * overlap, so what several names and rules say about one address is cut into pieces that do not, each open for as long as the longest says. Pure.
 */
import type { Ipv4Address } from '../lib/ipv4.js';

/** Both ends included. */
export interface NumberRange {
  readonly first: number;
  readonly last: number;
}

/** What a rule opens of an address. */
export interface OpenPorts {
  /** By their numbers in IP. */
  readonly protocols: readonly NumberRange[];
  readonly ports: NumberRange;
  /** New connections are logged. */
  readonly logged: boolean;
}

/** One element of the kernel's set. */
export interface Opening {
  readonly address: Ipv4Address;
  readonly protocols: NumberRange;
  readonly ports: NumberRange;
  readonly logged: boolean;
  readonly untilMs: number;
}

export interface OpeningsChange {
  readonly remove: readonly Opening[];
  readonly add: readonly Opening[];
}

/** Addresses at a time: what a container can take of the kernel's memory with a name whose server says something else each time. */
export const openAddressesLimit = 256;

/** The kernel's clock for an element starts some time after ours: one that is over for us may still be there. */
const overdueMs = 10_000;
/** Names are asked again and again: times are rounded up to this, so that the same answer changes nothing. */
const grainMs = 1000;

export class Openings {
  readonly #byAddress = new Map<Ipv4Address, readonly Opening[]>();

  /**
   * What has to change so that these ports of an address are open for that time. Nothing has changed here until `apply`.
   * @returns undefined: too many addresses are open
   */
  plan(address: Ipv4Address, wanted: readonly OpenPorts[], ttlSeconds: number, nowMs: number): OpeningsChange | undefined {
    const before = this.#byAddress.get(address) ?? [];
    if (before.length === 0 && this.#countAt(nowMs) >= openAddressesLimit) return undefined;
    const untilMs = Math.ceil((nowMs + ttlSeconds * 1000) / grainMs) * grainMs;
    const additional = wanted.flatMap(({ protocols, ports, logged }) => protocols.map((range): Opening => ({ address, protocols: range, ports, logged, untilMs })));
    const after = disjoint([...before.filter((opening) => opening.untilMs > nowMs), ...additional]);
    return { remove: before.filter((opening) => !after.some((other) => isEqual(opening, other))), add: after.filter((opening) => !before.some((other) => isEqual(opening, other))) };
  }

  apply({ remove, add }: OpeningsChange): void {
    for (const opening of remove) this.#replace(opening.address, (all) => all.filter((other) => !isEqual(opening, other)));
    for (const opening of add) this.#replace(opening.address, (all) => [...all, opening]);
  }

  /** All that are open. */
  at(nowMs: number): Opening[] {
    return [...this.#byAddress.values()].flat().filter(({ untilMs }) => untilMs > nowMs);
  }

  /** All that the kernel may have. */
  all(): Opening[] {
    return [...this.#byAddress.values()].flat();
  }

  #replace(address: Ipv4Address, change: (all: readonly Opening[]) => readonly Opening[]): void {
    const after = change(this.#byAddress.get(address) ?? []);
    if (after.length === 0) this.#byAddress.delete(address);
    else this.#byAddress.set(address, after);
  }

  #countAt(nowMs: number): number {
    for (const [address, all] of this.#byAddress) if (all.every(({ untilMs }) => untilMs + overdueMs < nowMs)) this.#byAddress.delete(address);
    return this.#byAddress.size;
  }
}

function isEqual(one: Opening, other: Opening): boolean {
  return (
    one.address === other.address && one.logged === other.logged && one.untilMs === other.untilMs &&
    one.protocols.first === other.protocols.first && one.protocols.last === other.protocols.last && one.ports.first === other.ports.first && one.ports.last === other.ports.last
  );
}

/** Openings of one address; ranges of protocols are the same or have nothing in common. */
function disjoint(openings: readonly Opening[]): Opening[] {
  const groups = new Map<string, Opening[]>();
  for (const opening of openings) {
    const key = `${opening.protocols.first} ${opening.logged}`;
    groups.set(key, [...(groups.get(key) ?? []), opening]);
  }
  return [...groups.values()].flatMap(cutPorts);
}

/** Pieces between the ends of all ranges, each with the latest time of those that cover it; neighbours with one time are one piece. */
function cutPorts(openings: readonly Opening[]): Opening[] {
  const starts = [...new Set(openings.flatMap(({ ports }) => [ports.first, ports.last + 1]))].sort((a, b) => a - b);
  const pieces: Opening[] = [];
  for (const [index, first] of starts.entries()) {
    const covering = openings.filter(({ ports }) => ports.first <= first && first <= ports.last);
    const [any] = covering;
    const next = starts[index + 1];
    if (any === undefined || next === undefined) continue;
    const untilMs = Math.max(...covering.map((opening) => opening.untilMs));
    const before = pieces.at(-1);
    if (before !== undefined && before.untilMs === untilMs && before.ports.last === first - 1) pieces[pieces.length - 1] = { ...before, ports: { first: before.ports.first, last: next - 1 } };
    else pieces.push({ ...any, ports: { first, last: next - 1 }, untilMs });
  }
  return pieces;
}
