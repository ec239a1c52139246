/** From a container's rules to what it may ask the resolver. Pure. */
import type { Configuration } from '../config/configuration.js';
import { parseIpv4Range, ipv4RangeContains, type Ipv4Range } from '../lib/ipv4.js';
import type { Container } from './container.js';
import type { NamePolicy } from './names.js';

const everywhere: readonly Ipv4Range[] = [parseIpv4Range('0.0.0.0/0')].filter((range) => range !== undefined);

/**
 * The forwarder asks name servers for a container, so it answers only one that could ask any name server itself, by the same protocol, or whose host is open.
 */
export function namePolicyOf({ allowed, allowHostAccess }: Configuration['network'], { usesForwarder }: Pick<Container, 'usesForwarder'>): NamePolicy {
  if (!usesForwarder) return { rules: [], forwarded: [] };
  return { rules: [], forwarded: isOpenToAll({ allowed, allowHostAccess }) ? ['udp', 'tcp'] : [] };
}

/** Whether every container that uses the forwarder is answered by it. */
export function isOpenToAll({ allowed, allowHostAccess }: Pick<Configuration['network'], 'allowed' | 'allowHostAccess'>): boolean {
  return allowHostAccess || allowed.some((range) => everywhere.every((all) => ipv4RangeContains(range, all)));
}
