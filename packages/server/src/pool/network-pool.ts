/**
 * The /30 networks of the containers: host end at .1, container end at .2 of each. A released network rests before it is
 * handed out again, so that packets on their way to the last owner do not reach the next. Pure: time is passed in.
 */
import type { Ipv4Address, Ipv4Range } from '../lib/ipv4.js';

export interface ContainerNetwork {
  readonly network: Ipv4Address;
  readonly hostAddress: Ipv4Address;
  readonly containerAddress: Ipv4Address;
}

/** Length of a container network's prefix. */
export const networkPrefix = 30;
const networkSize = 4;

export class NetworkPool {
  readonly #first: Ipv4Address;
  readonly #count: number;
  readonly #releaseDelayMs: number;
  readonly #taken = new Set<number>();
  /** Released indices with the time from which they are free, in the order in which they were given back: about the oldest first. */
  readonly #resting = new Map<number, number>();
  /** From here on only claimed ones were used. Released ones come back through #free. */
  #next = 0;
  readonly #free = new Set<number>();

  constructor(pool: Ipv4Range, releaseDelayMs: number) {
    this.#first = pool.first;
    this.#count = Math.floor((pool.last - pool.first + 1) / networkSize);
    this.#releaseDelayMs = releaseDelayMs;
  }

  get size(): number {
    return this.#count;
  }

  /** Networks that containers have, and those that rest. */
  get taken(): number {
    return this.#taken.size + this.#resting.size;
  }

  /** A free network, or undefined when all are taken or resting. */
  acquire(nowMs: number): ContainerNetwork | undefined {
    this.#wake(nowMs);
    for (const index of this.#free) return this.#take(index);
    while (this.#next < this.#count) {
      const index = this.#next++;
      if (!this.#taken.has(index) && !this.#resting.has(index)) return this.#take(index);
    }
    return undefined;
  }

  /** The network that `address` lies in, or undefined when that is outside the pool, taken or resting. */
  claim(address: Ipv4Address, nowMs: number): ContainerNetwork | undefined {
    this.#wake(nowMs);
    const index = this.#indexOf(address);
    if (index === undefined || this.#taken.has(index) || this.#resting.has(index)) return undefined;
    return this.#take(index);
  }

  /**
   * The network of a container that lives already. One outside the pool, which was configured differently then, is the
   * container's own; undefined when another container has it.
   */
  restore(network: Ipv4Address, nowMs: number): ContainerNetwork | undefined {
    if (this.#indexOf(network) !== undefined) return this.claim(network, nowMs);
    return { network, hostAddress: network + 1, containerAddress: network + 2 };
  }

  /** Gives a network back; it rests for the release delay, from the moment when its container was gone. */
  release(network: ContainerNetwork, goneMs: number): void {
    const index = this.#indexOf(network.network);
    if (index === undefined || !this.#taken.delete(index)) return;
    this.#resting.set(index, goneMs + this.#releaseDelayMs);
  }

  /** Lets networks that an earlier server gave back go on resting, at most for the delay as it is now. Those that are in use are left alone. */
  rest(releases: readonly { readonly network: Ipv4Address; readonly freeFromMs: number }[], nowMs: number): void {
    for (const { network, freeFromMs } of releases) {
      const index = this.#indexOf(network);
      if (index === undefined || this.#taken.has(index) || freeFromMs <= nowMs) continue;
      this.#free.delete(index);
      this.#resting.set(index, Math.min(freeFromMs, nowMs + this.#releaseDelayMs));
    }
    const ordered = [...this.#resting].sort(([, one], [, other]) => one - other);
    this.#resting.clear();
    for (const [index, freeFromMs] of ordered) this.#resting.set(index, freeFromMs);
  }

  /** Gives a network back that no packet was ever sent from: it is free at once. */
  forget(network: ContainerNetwork): void {
    const index = this.#indexOf(network.network);
    if (index !== undefined && this.#taken.delete(index)) this.#free.add(index);
  }

  #indexOf(address: Ipv4Address): number | undefined {
    const index = Math.floor((address - this.#first) / networkSize);
    return index >= 0 && index < this.#count ? index : undefined;
  }

  #take(index: number): ContainerNetwork {
    this.#free.delete(index);
    this.#taken.add(index);
    const network = this.#first + index * networkSize;
    return { network, hostAddress: network + 1, containerAddress: network + 2 };
  }

  #wake(nowMs: number): void {
    for (const [index, freeFromMs] of this.#resting) {
      // The delay is the same for all, so the first one that still rests ends the search. One behind it that was given back late has rested longer, and waits a little more.
      if (freeFromMs > nowMs) return;
      this.#resting.delete(index);
      this.#free.add(index);
    }
  }
}
