/**
 * Names in the firewall's tables. Questions are redirected in the kernel, so that a container cannot tell its server from the one it asks, and
 * cannot ask any other. What a name has opened is an element with a time in one of four maps, by what its rule says: a port, a range of ports, a protocol,
 * everything. Three of them are hash tables: an element costs 60 microseconds with 64,000 others, where one set of intervals for all costs 2.4 milliseconds.
 */
import { ipProtocols } from '../../lib/ip-protocols.js';
import { formatIpv4Address, ipv4Bytes, type Ipv4Address } from '../../lib/ipv4.js';
import { formatPortRange } from '../../lib/port.js';
import type { FirewallElement } from '../container-description.js';
import type { NameFirewall, NameOpening, NameState, QuestionPolicy } from '../name-firewall.js';
import { elements, paddedPort, paddedProtocol, portBytes } from './set-elements.js';

const dnsPort = 53;
/** Of all containers together. */
const openingsLimit = 262_144;

const sets = { ports: 'opened_ports', ranges: 'opened_ranges', protocols: 'opened_protocols', addresses: 'opened_addresses' } as const;

/** Maps and sets, for the table's text. */
export function nameSets({ resolverPort, containers }: NameState): string {
  const openings = (set: string): string =>
    elements(containers.flatMap(({ container, openings: all }) => all.filter(({ opening }) => setOf(opening) === set).map(({ opening, timeoutMs }) => openingText(container, opening, timeoutMs))));
  const map = (name: string, type: string, flags: string): string => `map ${name} { type ${type} : verdict; flags ${flags}; size ${openingsLimit}; ${openings(name)} }`;
  return `set restricted_names { type ipv4_addr; ${elements(containers.filter(({ restricted }) => restricted).map(({ container }) => formatIpv4Address(container)))} }
  set forwarded_names { type ipv4_addr . inet_proto; ${elements(containers.flatMap(({ container, forwarded }) => forwarded.map((protocol) => `${formatIpv4Address(container)} . ${protocol}`)))} }
  map resolver { type inet_service : inet_service; ${elements(resolverPort === 0 ? [] : [`${dnsPort} : ${resolverPort}`])} }
  set resolver_ports { type inet_service; ${elements(resolverPort === 0 ? [] : [String(resolverPort)])} }
  set asking { type ipv4_addr; flags dynamic; timeout 1m; size 65536; }
  ${map(sets.ports, 'ipv4_addr . ipv4_addr . inet_proto . inet_service', 'timeout')}
  ${map(sets.ranges, 'ipv4_addr . ipv4_addr . inet_proto . inet_service', 'interval, timeout')}
  ${map(sets.protocols, 'ipv4_addr . ipv4_addr . inet_proto', 'timeout')}
  ${map(sets.addresses, 'ipv4_addr . ipv4_addr', 'timeout')}`;
}

/**
 * Chains, for the table's text. Questions to the resolver's port are limited per container before anything else looks at them, and nobody but a
 * container whose question was redirected gets there.
 */
export const nameChains = `chain redirect_names {
    type nat hook prerouting priority dstnat - 1; policy accept;
    meta l4proto { tcp, udp } th dport ${dnsPort} iifname @interfaces jump to_resolver
  }

  chain to_resolver {
    meta l4proto { tcp, udp } ip saddr @restricted_names redirect to : th dport map @resolver
    meta l4proto { tcp, udp } ip saddr . meta l4proto @forwarded_names fib daddr type local redirect to : th dport map @resolver
  }

  chain questions {
    iifname != @interfaces drop
    update @asking { ip saddr limit rate over 200/second burst 400 packets } drop
    ct status dnat accept
    drop
  }

  chain opened {
    ip saddr . ip daddr . meta l4proto . th dport vmap @${sets.ports}
    ip saddr . ip daddr . meta l4proto . th dport vmap @${sets.ranges}
    ip saddr . ip daddr . meta l4proto vmap @${sets.protocols}
    ip saddr . ip daddr vmap @${sets.addresses}
  }

  chain unlogged {
    accept
  }`;

/** First in the chain input. */
export const nameInput = 'meta l4proto { tcp, udp } th dport @resolver_ports goto questions';

/** In front of everything that accepts what a container sends: a question that was not redirected, because the resolver is not there or the connection is older. */
export const nameGuard = `meta l4proto { tcp, udp } th dport ${dnsPort} ip saddr @restricted_names ct direction original goto refuse`;

/** Behind everything that names must not open. */
export const nameOpened = 'ip saddr @restricted_names jump opened';

export class LinuxNameFirewall implements NameFirewall {
  constructor(private readonly table: string) {}

  questions(container: Ipv4Address, { restricted, forwarded }: QuestionPolicy, operation: FirewallElement['operation']): FirewallElement[] {
    return [
      ...(restricted ? [this.#element(operation, 'restricted_names', ipv4Bytes(container))] : []),
      ...forwarded.map((protocol) => this.#element(operation, 'forwarded_names', key(container, paddedProtocol(ipProtocols[protocol])))),
    ];
  }

  opening(container: Ipv4Address, opening: NameOpening, timeoutMs: number | undefined): FirewallElement {
    const { address, protocol, ports, logged } = opening;
    const set = setOf(opening);
    const at = (port: number | undefined): Uint8Array =>
      key(container, ipv4Bytes(address), ...(protocol === undefined ? [] : [paddedProtocol(protocol)]), ...(port === undefined ? [] : [paddedPort(port)]));
    const interval = set === sets.ranges ? { keyEnd: at(ports?.last) } : {};
    if (timeoutMs === undefined) return { ...this.#element('delete', set, at(ports?.first)), ...interval };
    return { ...this.#element('add', set, at(ports?.first)), ...interval, jump: logged ? 'logged' : 'unlogged', timeoutMs: Math.max(1, Math.ceil(timeoutMs)) };
  }

  resolver(port: number, before: number): FirewallElement[] {
    const dns = portBytes(dnsPort);
    return [
      // Whatever the kernel has for it: an answer to an earlier change may have got lost.
      this.#element('delete', 'resolver', dns),
      ...(before === 0 ? [] : [this.#element('delete', 'resolver_ports', portBytes(before))]),
      { ...this.#element('ensure', 'resolver', dns), data: portBytes(port) },
      this.#element('ensure', 'resolver_ports', portBytes(port)),
    ];
  }

  #element(operation: FirewallElement['operation'], set: string, key: Uint8Array): FirewallElement {
    return { operation, family: 'inet', table: this.table, set, key };
  }
}

function setOf({ protocol, ports }: NameOpening): string {
  if (protocol === undefined) return sets.addresses;
  if (ports === undefined) return sets.protocols;
  return ports.first === ports.last ? sets.ports : sets.ranges;
}

/** Parts of a concatenation, each of whole registers of 4 bytes. */
function key(container: Ipv4Address, ...parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([ipv4Bytes(container), ...parts]);
}

function openingText(container: Ipv4Address, { address, protocol, ports, logged }: NameOpening, timeoutMs: number): string {
  const parts = [formatIpv4Address(container), formatIpv4Address(address), ...(protocol === undefined ? [] : [String(protocol)]), ...(ports === undefined || protocol === undefined ? [] : [formatPortRange(ports)])];
  return `${parts.join(' . ')} timeout ${Math.max(1, Math.ceil(timeoutMs / 1000))}s : jump ${logged ? 'logged' : 'unlogged'}`;
}
