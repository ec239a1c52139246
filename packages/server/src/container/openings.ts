/**
 * What names have opened to one container. Kept is what the resolver has found: an address, the pattern of the rule that it was found by, and until when.
 * What is open follows from that and from the rules: a port, a range of ports, a protocol or everything. The kernel takes no two ranges of ports that
 * overlap, so what several rules say about one address is cut into pieces that do not, each open for as long as the longest says. Pure.
 */
import type { NameOpening } from '../host/name-firewall.js';
import { domainPatternCovers } from '../lib/domain-name.js';
import type { Ipv4Address } from '../lib/ipv4.js';
import type { PortRange } from '../lib/port.js';

/** A rule that opens what a name stands for. */
export interface NameRule {
  /** As parseDomainPattern has it. */
  readonly pattern: string;
  /** Its number in IP; undefined: all. */
  readonly protocol: number | undefined;
  /** Undefined: all. */
  readonly ports: PortRange | undefined;
  /** New connections are logged. */
  readonly logged: boolean;
}

/** An address that was found by a rule's pattern. */
export interface FoundName {
  readonly address: Ipv4Address;
  readonly pattern: string;
  readonly untilMs: number;
}

export type Opening = NameOpening & { readonly untilMs: number };

/** In the kernel first `remove` is deleted, and then `add` made. */
export interface OpeningsChange {
  readonly remove: readonly Opening[];
  readonly add: readonly Opening[];
}

/** Addresses at a time: what a container can take of the kernel's memory by a name whose server says something else each time. */
export const openAddressesLimit = 256;

/**
 * The kernel's clock for an element starts some time after ours: one that is over for us may still be there. Deleting what is not there is
 * no error, but the kernel undoes the whole transaction first, which takes it some ten milliseconds; so nothing is deleted that is surely gone.
 */
const overdueMs = 250;
/** Names are asked for again and again: times are rounded up to this, so that the same answer changes nothing. */
const grainMs = 1000;

interface OpenAddress {
  /** By pattern. */
  readonly untilMs: ReadonlyMap<string, number>;
  /** What the kernel has. */
  readonly pieces: readonly Opening[];
  /** A change failed in a way that does not tell whether it was made. */
  readonly isDoubtful: boolean;
}

const nothing: OpenAddress = { untilMs: new Map(), pieces: [], isDoubtful: false };

/** A change that is decided and has to be made in the kernel; then `done` or `failed` is called, before anything else is planned. */
export interface PlannedChange extends OpeningsChange {
  done(): void;
  failed(): void;
}

export class Openings {
  #rules: readonly NameRule[] = [];
  readonly #addresses = new Map<Ipv4Address, OpenAddress>();

  get rules(): readonly NameRule[] {
    return this.#rules;
  }

  /**
   * A name has this address for that time.
   * @returns undefined: no rule has this name, or too many addresses are open
   */
  planFound(name: string, address: Ipv4Address, ttlSeconds: number, nowMs: number): PlannedChange | undefined {
    const patterns = this.#rules.map(({ pattern }) => pattern).filter((pattern) => domainPatternCovers(pattern, name));
    const before = this.#addresses.get(address) ?? nothing;
    if (patterns.length === 0 || (before === nothing && this.#countAt(nowMs) >= openAddressesLimit)) return undefined;
    const untilMs = new Map(before.untilMs);
    for (const pattern of patterns) untilMs.set(pattern, Math.max(untilMs.get(pattern) ?? 0, roundUp(nowMs + ttlSeconds * 1000)));
    return this.#plan(new Map([[address, untilMs]]), this.#rules, nowMs);
  }

  /** From now on these are the rules; what was found by others is closed. */
  planRules(rules: readonly NameRule[], nowMs: number): PlannedChange {
    return this.#plan(new Map([...this.#addresses].map(([address, { untilMs }]) => [address, untilMs])), rules, nowMs);
  }

  /** Takes what an earlier server has found. Nothing of it is in the kernel: the tables are loaded with it. */
  restore(rules: readonly NameRule[], found: readonly FoundName[], nowMs: number): void {
    this.#rules = rules;
    for (const { address, pattern, untilMs } of found) {
      const before = this.#addresses.get(address) ?? nothing;
      this.#addresses.set(address, { ...before, untilMs: new Map([...before.untilMs, [pattern, untilMs]]) });
    }
    this.planRules(rules, nowMs).done();
  }

  /** Until when nobody can tell whether the kernel still has what it has for an address; undefined: it is plain. */
  doubtfulUntilMs(address: Ipv4Address, nowMs: number): number | undefined {
    const times = (this.#addresses.get(address)?.pieces ?? []).map(({ untilMs }) => untilMs).filter((untilMs) => untilMs <= nowMs && nowMs < untilMs + overdueMs);
    return times.length === 0 ? undefined : Math.max(...times) + overdueMs;
  }

  /** What was found and counts. */
  found(nowMs: number): FoundName[] {
    return [...this.#addresses].flatMap(([address, { untilMs }]) => [...untilMs].filter(([, until]) => until > nowMs).map(([pattern, until]) => ({ address, pattern, untilMs: until })));
  }

  /** What the kernel may have. */
  pieces(): Opening[] {
    return [...this.#addresses.values()].flatMap(({ pieces }) => pieces);
  }

  /** What is open. */
  openAt(nowMs: number): Opening[] {
    return [...this.#addresses].flatMap(([address, { untilMs }]) => piecesOf(address, this.#rules, untilMs, nowMs));
  }

  #plan(untilMsByAddress: ReadonlyMap<Ipv4Address, ReadonlyMap<string, number>>, rules: readonly NameRule[], nowMs: number): PlannedChange {
    const remove: Opening[] = [];
    const add: Opening[] = [];
    const after = new Map<Ipv4Address, OpenAddress>();
    for (const [address, untilMs] of untilMsByAddress) {
      const { pieces: known, isDoubtful } = this.#addresses.get(address) ?? nothing;
      const before = known.filter(({ untilMs }) => isDoubtful || nowMs < untilMs + overdueMs);
      const pieces = piecesOf(address, rules, untilMs, nowMs);
      after.set(address, { untilMs: new Map([...untilMs].filter(([pattern, until]) => until > nowMs && rules.some((rule) => rule.pattern === pattern))), pieces, isDoubtful: false });
      remove.push(...before.filter((piece) => isDoubtful || !pieces.some((other) => isEqual(piece, other))));
      add.push(...pieces.filter((piece) => isDoubtful || !before.some((other) => isEqual(piece, other))));
    }
    return {
      remove,
      add,
      done: () => {
        this.#rules = rules;
        for (const [address, state] of after) this.#set(address, state);
      },
      failed: () => {
        for (const [address, { pieces }] of after) {
          const before = this.#addresses.get(address) ?? nothing;
          this.#set(address, { ...before, pieces: [...before.pieces, ...pieces], isDoubtful: true });
        }
      },
    };
  }

  #set(address: Ipv4Address, state: OpenAddress): void {
    if (state.pieces.length === 0 && state.untilMs.size === 0) this.#addresses.delete(address);
    else this.#addresses.set(address, state);
  }

  #countAt(nowMs: number): number {
    for (const [address, { pieces }] of this.#addresses) if (pieces.every(({ untilMs }) => untilMs + overdueMs < nowMs)) this.#addresses.delete(address);
    return this.#addresses.size;
  }
}

function roundUp(timeMs: number): number {
  return Math.ceil(timeMs / grainMs) * grainMs;
}

function isEqual(one: Opening, other: Opening): boolean {
  return (
    one.address === other.address && one.protocol === other.protocol && one.ports?.first === other.ports?.first && one.ports?.last === other.ports?.last &&
    one.logged === other.logged && one.untilMs === other.untilMs
  );
}

function piecesOf(address: Ipv4Address, rules: readonly NameRule[], untilMsByPattern: ReadonlyMap<string, number>, nowMs: number): Opening[] {
  const groups = new Map<string, Opening[]>();
  for (const { pattern, protocol, ports, logged } of rules) {
    const untilMs = untilMsByPattern.get(pattern);
    if (untilMs === undefined || untilMs <= nowMs) continue;
    const key = `${protocol} ${ports === undefined}`;
    groups.set(key, [...(groups.get(key) ?? []), { address, protocol, ports, logged, untilMs }]);
  }
  return [...groups.values()].flatMap(cutPorts);
}

/** Pieces between the ends of all ranges. They stay apart when they are alike: those of the same rules are cut in the same way again. */
function cutPorts(openings: readonly Opening[]): Opening[] {
  const [any] = openings;
  if (any?.ports === undefined) return any === undefined ? [] : [{ ...any, ...together(openings) }];
  const starts = [...new Set(openings.flatMap(({ ports }) => (ports === undefined ? [] : [ports.first, ports.last + 1])))].sort((a, b) => a - b);
  return starts.flatMap((first, index) => {
    const covering = openings.filter(({ ports }) => ports !== undefined && ports.first <= first && first <= ports.last);
    const next = starts[index + 1];
    return covering.length === 0 || next === undefined ? [] : [{ ...any, ...together(covering), ports: { first, last: next - 1 } }];
  });
}

function together(openings: readonly Opening[]): Pick<Opening, 'untilMs' | 'logged'> {
  return { untilMs: Math.max(...openings.map(({ untilMs }) => untilMs)), logged: openings.some(({ logged }) => logged) };
}
