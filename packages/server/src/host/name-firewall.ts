/** What of the firewall has to do with names: whose questions go to the resolver, and what its answers have opened. */
import type { Ipv4Address } from '../lib/ipv4.js';
import type { PortRange } from '../lib/port.js';
import type { FirewallElement } from './container-description.js';

/** An address that a name has opened to a container. */
export interface NameOpening {
  readonly address: Ipv4Address;
  /** Its number in IP; undefined: all. */
  readonly protocol: number | undefined;
  /** Undefined: all. */
  readonly ports: PortRange | undefined;
  /** New connections are logged. */
  readonly logged: boolean;
}

/** How a container's questions for names are treated. */
export interface QuestionPolicy {
  /** All of them go to the resolver, whatever server they are for. */
  readonly restricted: boolean;
  /** Those to the host's end of its link go to the resolver, by these protocols. */
  readonly forwarded: readonly ('udp' | 'tcp')[];
}

/** What containers have in the tables, so that these can be made anew. */
export interface NameState {
  /** Where the resolver listens; 0: nowhere. */
  readonly resolverPort: number;
  readonly containers: readonly (QuestionPolicy & { readonly container: Ipv4Address; readonly openings: readonly { readonly opening: NameOpening; readonly timeoutMs: number }[] })[];
}

export interface NameFirewall {
  /** The elements of a policy. */
  questions(container: Ipv4Address, policy: QuestionPolicy, operation: FirewallElement['operation']): FirewallElement[];
  /** The element of an opening; without a time it is to be deleted. */
  opening(container: Ipv4Address, opening: NameOpening, timeoutMs: number | undefined): FirewallElement;
  /** Sends questions to that port from now on; `before` is where they went, 0: nowhere. */
  resolver(port: number, before: number): FirewallElement[];
}
