/** Who may ask what, by the address that a question comes from; the firewall sees to it that nobody can have another's. */
import { domainPatternCovers } from '../lib/domain-name.js';
import type { Ipv4Address } from '../lib/ipv4.js';

/** Questions of one container that are being answered; what comes on top is dropped, and asked again by the client. */
const pendingLimit = 32;

export class Client {
  #pending = 0;
  #patterns: readonly string[] | undefined;

  constructor(readonly address: Ipv4Address) {}

  /** As parseDomainPattern has them; none: everything is asked for it as it asks; undefined: it gets no answers. */
  serve(patterns: readonly string[] | undefined): void {
    this.#patterns = patterns;
  }

  /** Whether it gets answers for the names of its rules, and for no others. */
  get isRestricted(): boolean {
    return this.#patterns?.length !== 0;
  }

  mayAsk(name: string): boolean {
    return this.#patterns?.some((pattern) => domainPatternCovers(pattern, name)) === true;
  }

  /** Answers one more, unless too many are under way. */
  async answering(work: () => Promise<Buffer | undefined>): Promise<Buffer | undefined> {
    if (this.#patterns === undefined || this.#pending >= pendingLimit) return undefined;
    this.#pending++;
    try {
      return await work();
    } finally {
      this.#pending--;
    }
  }
}

export class Clients {
  readonly #byAddress = new Map<Ipv4Address, Client>();

  /** From now on this is what it may ask. */
  serve(address: Ipv4Address, patterns: readonly string[]): void {
    const client = this.#byAddress.get(address) ?? new Client(address);
    client.serve(patterns);
    this.#byAddress.set(address, client);
  }

  forget(address: Ipv4Address): void {
    // A connection of its may still be open.
    this.#byAddress.get(address)?.serve(undefined);
    this.#byAddress.delete(address);
  }

  at(address: Ipv4Address): Client | undefined {
    return this.#byAddress.get(address);
  }
}
