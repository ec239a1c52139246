/** A rule of net_out as the kernel takes it. Pure. */
import { ipProtocols } from '../../lib/ip-protocols.js';
import { ipv4Bytes, ipv4RangeContains, type Ipv4Range } from '../../lib/ipv4.js';
import type { PortRange } from '../../lib/port.js';
import type { NetOutRule } from '../net-out-rule.js';
import { accept, compare, goto, jump, meta, payload } from './nft-expressions.js';
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

/** What stays closed to a rule although its network covers it. */
const refusals = ['closed', 'denied', 'closed_and_denied'] as const;
type Refusal = (typeof refusals)[number];

/**
 * Chains of the table that rules end in, for its text. They are not in each rule, because the kernel goes through all rules of all containers when one is
 * added: with 1000 containers that have two each it takes half the time. Other containers may have addresses that are not in the pool any more: then their interfaces tell.
 */
export const netOutChains = refusals.flatMap((refusal) => [false, true].map((isLogged) => `chain ${openingName(refusal, isLogged)} {
    ${refusal === 'denied' ? '' : 'ip daddr @closed return\n    oifname @interfaces return\n    '}${refusal === 'closed' ? '' : 'ip daddr @denied return\n    '}${isLogged ? 'goto logged' : 'accept'}
  }`)).join('\n\n  ');

/**
 * The contents of NFTA_RULE_EXPRESSIONS. Only new connections of the container's own come so far; the chains at its end are those of
 * netOutChains and firewall-rules.ts.
 */
export function netOutExpressions(rule: NetOutRule, guards: Guards): Uint8Array {
  const { network } = rule;
  const isNamed = (ranges: readonly Ipv4Range[]): boolean => network !== undefined && ranges.some((outer) => ipv4RangeContains(outer, network));
  const parts: Uint8Array[] = [...protocols[rule.protocol], ...isIpv4];
  if (network !== undefined) parts.push(destination, ...within(ipv4Bytes(network.first), ipv4Bytes(network.last)));
  if (rule.ports !== undefined) parts.push(destinationPort, ...portsWithin(rule.ports));
  if (rule.icmpType !== undefined) parts.push(icmpType, compare('equal', Uint8Array.of(rule.icmpType)));
  if (rule.icmpCode !== undefined) parts.push(icmpCode, compare('equal', Uint8Array.of(rule.icmpCode)));
  parts.push(openingOf(refusalOf(!isNamed(guards.closed), !isNamed(guards.denied)), rule.log));
  return Buffer.concat(parts);
}

/** What tells a rule from the container's others, and `nft list` as its comment: in libnftnl's layout, type 0, length, text with its NUL. */
export function netOutNote({ text }: Pick<NetOutRule, 'text'>): Uint8Array {
  const size = Buffer.byteLength(text) + 1;
  const note = Buffer.alloc(2 + size);
  note[1] = size;
  note.write(text, 2);
  return note;
}

function refusalOf(closed: boolean, denied: boolean): Refusal | undefined {
  if (closed) return denied ? 'closed_and_denied' : 'closed';
  return denied ? 'denied' : undefined;
}

function openingOf(refusal: Refusal | undefined, isLogged: boolean): Uint8Array {
  if (refusal !== undefined) return jump(openingName(refusal, isLogged));
  return isLogged ? goto('logged') : accept();
}

function openingName(refusal: Refusal, isLogged: boolean): string {
  return `${isLogged ? 'logged_' : ''}but_${refusal}`;
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
