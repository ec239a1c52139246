/** From a container's rules to what it may ask the resolver. Pure. */
import type { Configuration } from '../config/configuration.js';
import type { NetOutRule } from '../host/net-out-rule.js';
import { ipProtocols } from '../lib/ip-protocols.js';
import { highestIpv4Address, type Ipv4Range } from '../lib/ipv4.js';
import type { Container } from './container.js';
import type { NamePolicy } from './names.js';
import type { NameRule } from './openings.js';

const dnsPort = 53;

/** What a container's rules, and those for all, say about names. */
export function namePolicyOf(network: Configuration['network'], { usesForwarder, netOut, link }: Pick<Container, 'usesForwarder' | 'netOut' | 'link'>): NamePolicy {
  const rules = netOut.flatMap(nameRuleOf);
  if (!usesForwarder || rules.length > 0) return { rules, forwarded: [] };
  const isForwarded = (protocol: 'udp' | 'tcp'): boolean => isOpenToAll(network) || netOut.some((rule) => opensQuestions(rule, protocol, link.hostAddress));
  return { rules: [], forwarded: (['udp', 'tcp'] as const).filter(isForwarded) };
}

function nameRuleOf({ domain, protocol, ports, log }: NetOutRule): NameRule[] {
  return domain === undefined ? [] : [{ pattern: domain, protocol: protocol === 'all' ? undefined : ipProtocols[protocol], ports, logged: log }];
}

/** Whether every container that uses the forwarder is answered by it. */
export function isOpenToAll({ allowed, allowHostAccess }: Pick<Configuration['network'], 'allowed' | 'allowHostAccess'>): boolean {
  return allowHostAccess || allowed.some(isEverywhere);
}

/**
 * The forwarder asks name servers for a container, so it answers only one that could ask any name server itself, by the same protocol, or that was told
 * of its host end by its very address.
 */
function opensQuestions({ protocol, network, domain, ports }: NetOutRule, by: 'udp' | 'tcp', hostAddress: number): boolean {
  if (domain !== undefined || (protocol !== by && protocol !== 'all')) return false;
  if (ports !== undefined && (ports.first > dnsPort || dnsPort > ports.last)) return false;
  return network === undefined || isEverywhere(network) || (network.first === hostAddress && network.last === hostAddress);
}

function isEverywhere({ first, last }: Ipv4Range): boolean {
  return first === 0 && last === highestIpv4Address;
}
