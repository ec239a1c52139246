/** A rule of net_out as the kernel takes it. Pure. */
import { ipProtocols } from '../../lib/ip-protocols.js';
import { ipv4Bytes, ipv4RangeContains, type Ipv4Range } from '../../lib/ipv4.js';
import type { PortRange } from '../../lib/port.js';
import type { NetOutRule } from '../net-out-rule.js';
import { accept, compare, goto, meta, notIn, payload } from './nft-expressions.js';
import { portBytes } from './set-elements.js';

/** What a rule opens only when it lies within one of them: elsewhere they are in the way of a wildcard. */
export interface Guards {
  /** Loopback, link-local, the pool. */
  readonly closed: readonly Ipv4Range[];
  readonly denied: readonly Ipv4Range[];
}

const protocols = { tcp: isProtocol(ipProtocols.tcp), udp: isProtocol(ipProtocols.udp), icmp: isProtocol(ipProtocols.icmp), all: [] } as const;
/** NFPROTO_IPV4 */
const isIpv4 = [meta('nfproto'), compare('equal', Uint8Array.of(2))];
/** Of the destination, in an IPv4 header. */
const destination = payload('network', 16, 4);
/** Of the destination, in a TCP or UDP header. */
const destinationPort = payload('transport', 2, 2);
const icmpType = payload('transport', 0, 1);
const icmpCode = payload('transport', 1, 1);
/** Other containers may have addresses that are not in the pool any more: then their interfaces tell. */
const notClosed = [destination, notIn('closed'), meta('oifname'), notIn('interfaces')];
const notDenied = [destination, notIn('denied')];
const [accepted, logged] = [accept(), goto('logged')];

/**
 * The contents of NFTA_RULE_EXPRESSIONS. Only new connections of the container's own come so far; the tables' sets `closed`, `denied` and
 * `interfaces` and the chain `logged` are those of firewall-rules.ts.
 */
export function netOutExpressions(rule: NetOutRule, guards: Guards): Uint8Array {
  const { network } = rule;
  const isNamed = (ranges: readonly Ipv4Range[]): boolean => network !== undefined && ranges.some((outer) => ipv4RangeContains(outer, network));
  const parts: Uint8Array[] = [...protocols[rule.protocol], ...isIpv4];
  if (network !== undefined) parts.push(destination, ...within(ipv4Bytes(network.first), ipv4Bytes(network.last)));
  if (rule.ports !== undefined) parts.push(destinationPort, ...portsWithin(rule.ports));
  if (rule.icmpType !== undefined) parts.push(icmpType, compare('equal', Uint8Array.of(rule.icmpType)));
  if (rule.icmpCode !== undefined) parts.push(icmpCode, compare('equal', Uint8Array.of(rule.icmpCode)));
  if (!isNamed(guards.closed)) parts.push(...notClosed);
  if (!isNamed(guards.denied)) parts.push(...notDenied);
  parts.push(rule.log ? logged : accepted);
  return Buffer.concat(parts);
}

function isProtocol(protocolNumber: number): readonly Uint8Array[] {
  return [meta('l4proto'), compare('equal', Uint8Array.of(protocolNumber))];
}

function portsWithin({ first, last }: PortRange): Uint8Array[] {
  return within(portBytes(first), portBytes(last));
}

/** Both ends included. */
function within(first: Uint8Array, last: Uint8Array): Uint8Array[] {
  return Buffer.compare(first, last) === 0 ? [compare('equal', first)] : [compare('atLeast', first), compare('atMost', last)];
}
