/** The process that answers containers' questions for names, as the container code needs it. */
import type { Ipv4Address } from '../lib/ipv4.js';

export interface Resolver {
  /**
   * From now on it answers that container: for names that the patterns cover, or for everything when there are none. Starts it
   * when it does not run, and settles when it answers.
   * @throws WardenError unavailable: it cannot be started
   */
  serve(client: Ipv4Address, patterns: readonly string[]): Promise<void>;
  /** From now on it does not answer that container. */
  forget(client: Ipv4Address): void;
}

/** An address that a name has, and for how long the name's server says so. */
export interface FoundAddress {
  readonly address: Ipv4Address;
  readonly ttlSeconds: number;
}
