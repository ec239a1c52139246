/** A rule of net_out, checked: new connections of a container that it lets through. */
import type { Ipv4Range } from '../lib/ipv4.js';
import type { PortRange } from '../lib/port.js';

export interface NetOutRule {
  /** `tcp 10.0.0.0/8 80:90 log`: the same for the same rule, however it was given, and for no other. */
  readonly text: string;
  readonly protocol: 'tcp' | 'udp' | 'icmp' | 'all';
  /** Undefined: every address that only an exact name does not open. */
  readonly network: Ipv4Range | undefined;
  /** Instead of a network: what this name, or each name that this wildcard covers, stands for. The kernel has no rule for it. */
  readonly domain: string | undefined;
  /** Of tcp and udp only; undefined: all. */
  readonly ports: PortRange | undefined;
  /** Of icmp only; undefined: any. */
  readonly icmpType: number | undefined;
  readonly icmpCode: number | undefined;
  /** Whether each new connection is written to the kernel's log. */
  readonly log: boolean;
}
