/**
 * Addresses and ports that were given back are free when the kernel has forgotten their connections: else what peers still send to the last owner would
 * reach the next one, as part of a connection that was let through once. The kernel's table is gone through for many of them at a time: a moment after
 * the first one was given back, or when somebody needs one. No reply waits for it.
 */
import { againWhenGone } from '../host/ask-again.js';
import type { ForwardedPort, StaleConnections as Order } from '../host/launcher.js';
import type { Host } from '../host/host.js';
import type { Ipv4Address, Ipv4Range } from '../lib/ipv4.js';
import type { Log } from '../lib/log.js';
import { startTimer } from '../lib/timer.js';

/** How long what was given back waits for more. Each time the whole table is gone through, which takes a tenth of a second of a processor where it has 2^18 buckets, however empty it is. */
const gatherMs = 10_000;
/** What the launcher takes at once; a thousand containers have fewer. */
const atOnce = 4096;

interface GivenBack {
  readonly address?: Ipv4Address;
  readonly port?: ForwardedPort;
  readonly free: () => void;
}

export class StaleConnections {
  #pending: GivenBack[] = [];
  #underWay: Promise<void> | undefined;
  #isTimed = false;

  constructor(
    private readonly host: Pick<Host, 'launcher' | 'clock'>,
    private readonly log: Log,
  ) {}

  /** @param free called when no connection of the container with this address is known any more */
  addAddress(address: Ipv4Address, free: () => void): void {
    this.#add({ address, free });
  }

  /** @param free called when no connection that came by this port is known any more */
  addPort(port: ForwardedPort, free: () => void): void {
    this.#add({ port, free });
  }

  /** Settles when all that was given back before is free. Never fails: what the kernel cannot do is logged. */
  async forget(): Promise<void> {
    while (this.#underWay !== undefined || this.#pending.length > 0) {
      this.#underWay ??= this.#forgetSome(this.#pending.splice(0, atOnce)).finally(() => (this.#underWay = undefined));
      await this.#underWay;
    }
  }

  /** Connections of addresses that nobody has, which an earlier server may have left. */
  async forgetUnused(pool: Ipv4Range, used: Iterable<Ipv4Address>): Promise<void> {
    await this.#ask({ addresses: gaps(pool, used), ports: [] });
  }

  #add(one: GivenBack): void {
    this.#pending.push(one);
    if (this.#isTimed) return;
    this.#isTimed = true;
    startTimer(this.host.clock, gatherMs, () => {
      this.#isTimed = false;
      void this.forget();
    });
  }

  async #forgetSome(some: readonly GivenBack[]): Promise<void> {
    await this.#ask({
      addresses: some.flatMap(({ address }) => (address === undefined ? [] : [{ first: address, last: address }])),
      ports: some.flatMap(({ port }) => (port === undefined ? [] : [port])),
    });
    for (const { free } of some) free();
  }

  async #ask(order: Order): Promise<void> {
    try {
      await againWhenGone(() => this.host.launcher.forgetConnections(order));
    } catch (error) {
      this.log.warn({ err: error }, 'connections of containers that are no more, or of closed ports, could not be ended: until the kernel forgets them, what is sent on them may reach the next container with that address or port');
    }
  }
}

/** What lies between. */
function gaps(pool: Ipv4Range, used: Iterable<Ipv4Address>): Ipv4Range[] {
  const found: Ipv4Range[] = [];
  let first = pool.first;
  for (const address of [...used].filter((each) => each >= pool.first && each <= pool.last).sort((one, other) => one - other)) {
    if (address > first) found.push({ first, last: address - 1 });
    first = address + 1;
  }
  if (first <= pool.last) found.push({ first, last: pool.last });
  return found;
}
