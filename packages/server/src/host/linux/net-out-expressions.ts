/** A rule of net_out as the kernel takes it. Pure. */
import { ipProtocols } from '../../lib/ip-protocols.js';
import { ipv4Bytes, ipv4RangeContains, type Ipv4Range } from '../../lib/ipv4.js';
import type { PortRange } from '../../lib/port.js';
import type { NetOutRule } from '../net-out-rule.js';
import { change, compare, payload, store } from './nft-expressions.js';
import { portBytes } from './set-elements.js';

/** What a rule opens only when it lies within one of them: elsewhere they are in the way of a wildcard. */
export interface Guards {
  /** Loopback, link-local, the pool. */
  readonly closed: readonly Ipv4Range[];
  readonly denied: readonly Ipv4Range[];
}

/** Of an IPv4 header. Packets of other families do not get to containers' chains. */
const transportProtocol = payload('network', 9, 1);
const protocols = { tcp: isProtocol(ipProtocols.tcp), udp: isProtocol(ipProtocols.udp), icmp: isProtocol(ipProtocols.icmp), all: [] } as const;
/** Of the destination, in an IPv4 header. */
const destination = payload('network', 16, 4);
/** Of the destination, in a TCP or UDP header. */
const destinationPort = payload('transport', 2, 2);
const icmpType = payload('transport', 0, 1);
const icmpCode = payload('transport', 1, 1);

/** What stays closed to a rule although its network covers it. */
const refusals = ['closed_and_denied', 'closed', 'denied', 'nothing'] as const;
type Refusal = (typeof refusals)[number];

/** What rules come to. The first that opens what is asked for decides: one that logs comes before one that does not. */
const outcomes = [true, false].flatMap((isLogged) => refusals.map((refusal) => ({ refusal, isLogged })));

/**
 * A rule does not decide by itself: it leaves a note, a bit for its outcome, in the packet's IPv4 header, which is read when all of the container's rules have been asked, and taken out before anything
 * else sees the packet. For a rule that has a verdict, jumps, looks up a set, or loads what is known of a packet beside its bytes, the kernel goes through the rules of all containers when it is added; one that reads and writes headers
 * it just adds. The notes are where an IPv4 header tells of fragments. Connections are tracked, so packets have been put together before they get there: all but "don't fragment" is 0, and what has anything else there is dropped.
 */
const notes = { offset: 6, size: 2 } as const;
const noted = payload('network', notes.offset, notes.size);
/** Of each outcome, what leaves it. */
const noteExpressions = outcomes.map((_, index) => Buffer.concat([noted, change(portBytes(0xffff ^ (1 << index)), portBytes(1 << index)), store(notes.offset, notes.size)]));
const isNoted = 'ip frag-off & 0xbfff != 0';
const withoutNotes = 'ip frag-off set ip frag-off & 0x4000';

/** In the chain of all containers: has one's own rules asked. */
export const netOutAsked = `${isNoted} drop
    ip saddr vmap @net_out
    ${isNoted} jump noted`;

/**
 * Chains of the table, for its text. Other containers may have addresses that are not in the pool any more: then their interfaces tell.
 */
export const netOutChains = [`chain noted {
    ${outcomes.map((outcome, index) => `ip frag-off & ${noteOf(index)} != 0 jump ${openingName(outcome)}`).join('\n    ')}
    ${withoutNotes}
  }`, ...outcomes.map(({ refusal, isLogged }) => `chain ${openingName({ refusal, isLogged })} {
    ${refusal.includes('closed') ? 'ip daddr @closed return\n    oifname @interfaces return\n    ' : ''}${refusal.includes('denied') ? 'ip daddr @denied return\n    ' : ''}${withoutNotes} ${isLogged ? 'goto logged' : 'accept'}
  }`)].join('\n\n  ');

/**
 * The contents of NFTA_RULE_EXPRESSIONS. Only new connections of the container's own come so far.
 */
export function netOutExpressions(rule: NetOutRule, guards: Guards): Uint8Array {
  const { network } = rule;
  const isNamed = (ranges: readonly Ipv4Range[]): boolean => network !== undefined && ranges.some((outer) => ipv4RangeContains(outer, network));
  const parts: Uint8Array[] = [...protocols[rule.protocol]];
  if (network !== undefined) parts.push(destination, ...within(ipv4Bytes(network.first), ipv4Bytes(network.last)));
  if (rule.ports !== undefined) parts.push(destinationPort, ...portsWithin(rule.ports));
  if (rule.icmpType !== undefined) parts.push(icmpType, compare('equal', Uint8Array.of(rule.icmpType)));
  if (rule.icmpCode !== undefined) parts.push(icmpCode, compare('equal', Uint8Array.of(rule.icmpCode)));
  parts.push(...noteFor(refusalOf(!isNamed(guards.closed), !isNamed(guards.denied)), rule.log));
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

function refusalOf(closed: boolean, denied: boolean): Refusal {
  if (closed) return denied ? 'closed_and_denied' : 'closed';
  return denied ? 'denied' : 'nothing';
}

function noteFor(refusal: Refusal, isLogged: boolean): readonly Uint8Array[] {
  return noteExpressions.filter((_, index) => outcomes[index]?.refusal === refusal && outcomes[index].isLogged === isLogged);
}

function noteOf(outcome: number): string {
  return `0x${(1 << outcome).toString(16).padStart(4, '0')}`;
}

function openingName({ refusal, isLogged }: { readonly refusal: Refusal; readonly isLogged: boolean }): string {
  return `${isLogged ? 'logged_' : ''}but_${refusal}`;
}

function isProtocol(protocolNumber: number): readonly Uint8Array[] {
  return [transportProtocol, compare('equal', Uint8Array.of(protocolNumber))];
}

function portsWithin({ first, last }: PortRange): Uint8Array[] {
  return within(portBytes(first), portBytes(last));
}

/** Both ends included. */
function within(first: Uint8Array, last: Uint8Array): Uint8Array[] {
  return Buffer.compare(first, last) === 0 ? [compare('equal', first)] : [compare('atLeast', first), compare('atMost', last)];
}
