/**
 * Domain rules: a container that has some asks the resolver and nobody else, is told of the names in its rules alone, and reaches what they stand
 * for as its rules say, for as long as the names' servers say. What is decided here, for each answer, is what it opens: never an address of another
 * container, loopback or link-local addresses, multicast, or denied networks, whatever a name's server says they are called.
 *
 * The resolver is also the forwarder of containers whose resolv.conf names their host's end.
 */
import { WardenError } from 'warden-protocol';
import type { FirewallElement } from '../host/container-description.js';
import type { Host } from '../host/host.js';
import type { NameState, QuestionPolicy } from '../host/name-firewall.js';
import type { FoundAddress } from '../host/resolver.js';
import { formatIpv4Address, parseIpv4Range, type Ipv4Address, type Ipv4Range } from '../lib/ipv4.js';
import { KeyedMutex } from '../lib/keyed-mutex.js';
import type { Log } from '../lib/log.js';
import type { FirewallUpkeep } from './firewall-upkeep.js';
import { Openings, type FoundName, type NameRule, type PlannedChange } from './openings.js';

/** What a container may ask, and what the answers open. */
export interface NamePolicy {
  readonly rules: readonly NameRule[];
  /** Without rules: by which protocols it is answered at its host end, for every name. */
  readonly forwarded: readonly ('udp' | 'tcp')[];
}

interface Served {
  policy: NamePolicy;
  /** A change that failed in a way that does not tell whether it was made: what the kernel may have besides. */
  doubtful: QuestionPolicy | undefined;
  readonly openings: Openings;
  /** The container is being removed: nothing is opened any more. */
  isLeaving: boolean;
}

/** Beside the pool and denied networks. "This" network, loopback, link-local, multicast, reserved, broadcast: RFC 6890. */
const neverOpened: readonly Ipv4Range[] = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3'].map(parseIpv4Range).filter((range) => range !== undefined);

/** Nobody asks: what a container without names has. */
export const noNames: NamePolicy = { rules: [], forwarded: [] };

export class Names {
  readonly #served = new Map<Ipv4Address, Served>();
  readonly #changes = new KeyedMutex<Ipv4Address>();
  readonly #closed: readonly Ipv4Range[];

  constructor(
    private readonly host: Pick<Host, 'launcher' | 'resolver' | 'nameFirewall' | 'clock'>,
    private readonly firewall: Pick<FirewallUpkeep, 'change'>,
    private readonly log: Log,
    { pool, denied }: { readonly pool: Ipv4Range; readonly denied: readonly Ipv4Range[] },
  ) {
    this.#closed = [...neverOpened, pool, ...denied];
  }

  /**
   * From now on this is a container's policy. What rules that are gone have opened is closed.
   * @throws WardenError unavailable: the resolver cannot be started; anything that the kernel says. The policy is what it was then
   */
  async change(container: Ipv4Address, policy: NamePolicy): Promise<void> {
    if (!this.#served.has(container) && isNothing(policy)) return;
    await this.#changes.run(container, async () => {
      const served = this.#served.get(container) ?? { policy: noNames, doubtful: undefined, openings: new Openings(), isLeaving: false };
      if (served.isLeaving) throw new WardenError('not_found', 'unknown handle');
      const before = served.policy;
      try {
        // The resolver first: until questions are redirected to it, nobody sees a difference.
        if (!isNothing(policy)) await this.host.resolver.serve(container, patternsOf(policy));
        const planned = served.openings.planRules(policy.rules, this.host.clock.now());
        const { nameFirewall } = this.host;
        const elements = [...nameFirewall.questions(container, without(inKernel(served), questionsOf(policy)), 'delete'), ...nameFirewall.questions(container, missing(served, policy), 'ensure')];
        await this.#make(container, [planned], elements, () => {
          served.policy = policy;
          served.doubtful = undefined;
          if (isNothing(policy)) this.#served.delete(container);
          else this.#served.set(container, served);
        });
      } catch (error) {
        served.doubtful = together(inKernel(served), questionsOf(policy));
        this.#served.set(container, served);
        this.#serve(container, before);
        throw error;
      }
      if (isNothing(policy)) this.host.resolver.forget(container);
    });
  }

  /**
   * What the resolver has found for a container is opened to it, as far as its rules want it and it may be.
   * @returns what is open
   */
  async open(container: Ipv4Address, name: string, found: readonly FoundAddress[]): Promise<Ipv4Address[]> {
    return this.#changes.run(container, async () => {
      const served = this.#served.get(container);
      if (served === undefined || served.isLeaving) return [];
      await this.#plain(served.openings, found);
      const nowMs = this.host.clock.now();
      const planned = new Map<Ipv4Address, PlannedChange>();
      for (const { address, ttlSeconds } of found) {
        if (this.#closed.some(({ first, last }) => first <= address && address <= last)) {
          this.log.debug({ container: formatIpv4Address(container), name, address: formatIpv4Address(address) }, 'a name stands for an address that names never open');
          continue;
        }
        const change = planned.has(address) ? undefined : served.openings.planFound(name, address, ttlSeconds, nowMs);
        if (change !== undefined) planned.set(address, change);
      }
      await this.#make(container, [...planned.values()]);
      return [...planned.keys()];
    });
  }

  /** Of a container that is being removed: the elements to be deleted. Nothing is opened to it from now on. */
  async detach(container: Ipv4Address): Promise<FirewallElement[]> {
    const served = this.#served.get(container);
    if (served === undefined) return [];
    served.isLeaving = true;
    this.host.resolver.forget(container);
    // Behind an answer that is being opened.
    return this.#changes.run(container, async () => [
      ...this.host.nameFirewall.questions(container, inKernel(served), 'delete'),
      ...served.openings.pieces().map((opening) => this.host.nameFirewall.opening(container, opening, undefined)),
    ]);
  }

  /** The elements are gone. */
  drop(container: Ipv4Address): void {
    this.#served.delete(container);
  }

  /** A container that lives already, before the tables are loaded. */
  restore(container: Ipv4Address, policy: NamePolicy, found: readonly FoundName[]): void {
    if (isNothing(policy)) return;
    const openings = new Openings();
    openings.restore(policy.rules, found, this.host.clock.now());
    this.#served.set(container, { policy, doubtful: undefined, openings, isLeaving: false });
  }

  /** A container that is being made is answered from the beginning: the elements for its create. */
  prepare(container: Ipv4Address, policy: NamePolicy): FirewallElement[] {
    if (isNothing(policy)) return [];
    this.#served.set(container, { policy, doubtful: undefined, openings: new Openings(), isLeaving: false });
    this.#serve(container, policy);
    return this.host.nameFirewall.questions(container, questionsOf(policy), 'ensure');
  }

  /** When the tables are loaded: starts the resolver, if anybody needs it. */
  begin(): void {
    for (const [container, { policy }] of this.#served) this.#serve(container, policy);
  }

  /** What was found for a container and counts. */
  foundFor(container: Ipv4Address): FoundName[] {
    return this.#served.get(container)?.openings.found(this.host.clock.now()) ?? [];
  }

  /** What the tables have to have. */
  state(resolverPort: number): NameState {
    const nowMs = this.host.clock.now();
    const containers = [...this.#served].map(([container, { policy, openings }]) => ({
      container,
      ...questionsOf(policy),
      openings: openings.openAt(nowMs).map((opening) => ({ opening, timeoutMs: opening.untilMs - nowMs })),
    }));
    return { resolverPort, containers };
  }

  /** That it cannot be started is in the log, and tried again there. */
  #serve(container: Ipv4Address, policy: NamePolicy): void {
    if (isNothing(policy)) this.host.resolver.forget(container);
    else this.host.resolver.serve(container, patternsOf(policy)).catch((error: unknown) => this.log.error({ container: formatIpv4Address(container), err: error }, 'names cannot be answered for a container'));
  }

  /** Waits, a quarter of a second at most, for the end of what is just running out. */
  async #plain(openings: Openings, found: readonly FoundAddress[]): Promise<void> {
    const { clock } = this.host;
    const nowMs = clock.now();
    const plainFromMs = Math.max(nowMs, ...found.map(({ address }) => openings.doubtfulUntilMs(address, nowMs) ?? 0));
    if (plainFromMs > nowMs) await new Promise<void>((resolve) => void clock.schedule(Math.ceil(plainFromMs - nowMs), resolve));
  }

  /** What is known changes with the kernel: a load that comes next has all of it. */
  async #make(container: Ipv4Address, changes: readonly PlannedChange[], questions: readonly FirewallElement[] = [], done: () => void = () => undefined): Promise<void> {
    const { nameFirewall, launcher, clock } = this.host;
    await this.firewall.change(async () => {
      const nowMs = clock.now();
      const elements = [
        ...questions,
        ...changes.flatMap(({ remove }) => remove.map((opening) => nameFirewall.opening(container, opening, undefined))),
        ...changes.flatMap(({ add }) => add.map((opening) => nameFirewall.opening(container, opening, opening.untilMs - nowMs))),
      ];
      try {
        if (elements.length > 0) await launcher.changeFirewall(elements);
      } catch (error) {
        for (const change of changes) change.failed();
        throw error;
      }
      for (const change of changes) change.done();
      done();
    });
  }
}

function isNothing({ rules, forwarded }: NamePolicy): boolean {
  return rules.length === 0 && forwarded.length === 0;
}

/** Without rules every name is answered. */
function patternsOf({ rules }: NamePolicy): string[] {
  return [...new Set(rules.map(({ pattern }) => pattern))];
}

function questionsOf({ rules, forwarded }: NamePolicy): QuestionPolicy {
  return rules.length > 0 ? { restricted: true, forwarded: [] } : { restricted: false, forwarded };
}

/** What the kernel has, or may have. */
function inKernel({ policy, doubtful }: Served): QuestionPolicy {
  return doubtful === undefined ? questionsOf(policy) : together(questionsOf(policy), doubtful);
}

/** What the kernel does not have, or may not have. */
function missing({ policy, doubtful }: Served, wanted: NamePolicy): QuestionPolicy {
  return doubtful === undefined ? without(questionsOf(wanted), questionsOf(policy)) : questionsOf(wanted);
}

function together(one: QuestionPolicy, other: QuestionPolicy): QuestionPolicy {
  return { restricted: one.restricted || other.restricted, forwarded: [...new Set([...one.forwarded, ...other.forwarded])] };
}

function without(one: QuestionPolicy, other: QuestionPolicy): QuestionPolicy {
  return { restricted: one.restricted && !other.restricted, forwarded: one.forwarded.filter((protocol) => !other.forwarded.includes(protocol)) };
}
