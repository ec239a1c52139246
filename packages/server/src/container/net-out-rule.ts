/** What a net_out request says, checked, and the fields by which it can be given again. Pure. */
import { NetOutProtocol, WardenError, type RequestInit, type Type } from 'warden-protocol';
import type { NetOutRule } from '../host/net-out-rule.js';
import { parseDomainPattern } from '../lib/domain-name.js';
import { formatIpv4Network, parseIpv4Range } from '../lib/ipv4.js';
import { lastPort, type PortRange } from '../lib/port.js';

/** The fields of a request that make the rule. */
export type NetOutFields = Omit<RequestInit<Type.NetOut>, 'handle' | 'remove'>;

const protocols = { [NetOutProtocol.TCP]: 'tcp', [NetOutProtocol.UDP]: 'udp', [NetOutProtocol.ICMP]: 'icmp', [NetOutProtocol.ALL]: 'all' } as const;
const protocolNumbers = { tcp: NetOutProtocol.TCP, udp: NetOutProtocol.UDP, icmp: NetOutProtocol.ICMP, all: NetOutProtocol.ALL } as const;
const highestIcmpNumber = 255;
/** What of a request's text an error repeats. */
const shownCharacters = 64;

/** @throws WardenError invalid_argument */
export function checkNetOut(fields: NetOutFields): NetOutRule {
  const protocol = protocols[fields.protocol ?? NetOutProtocol.TCP];
  const network = fields.network === undefined || fields.network === '' ? undefined : checkNetwork(fields.network);
  const domain = fields.domain === undefined || fields.domain === '' ? undefined : checkDomain(fields);
  const ports = checkPorts(fields);
  if (network === undefined && ports === undefined && domain === undefined) throw invalid('Please specify network, port, and/or port_range.');
  if (ports !== undefined && protocol !== 'tcp' && protocol !== 'udp') throw invalid(`port, port_range: only TCP and UDP have ports, not ${protocol.toUpperCase()}; leave them out, or name a protocol that has`);
  const rule = {
    protocol,
    network,
    domain,
    ports,
    icmpType: checkIcmpNumber('icmp_type', fields.icmpType, protocol),
    icmpCode: checkIcmpNumber('icmp_code', fields.icmpCode, protocol),
    log: fields.log ?? false,
  };
  if (domain !== undefined && (rule.icmpType !== undefined || rule.icmpCode !== undefined)) throw invalid('icmp_type, icmp_code: not together with domain, which opens all of ICMP');
  return { ...rule, text: textOf(rule) };
}

/** The fields that give the same rule. */
export function netOutFieldsOf({ protocol, network, domain, ports, icmpType, icmpCode, log }: NetOutRule): NetOutFields {
  return {
    ...(network === undefined ? {} : { network: formatIpv4Network(network) }),
    ...(domain === undefined ? {} : { domain }),
    ...(ports === undefined ? {} : ports.first === ports.last ? { port: ports.first } : { portRange: formatPorts(ports) }),
    protocol: protocolNumbers[protocol],
    ...(icmpType === undefined ? {} : { icmpType }),
    ...(icmpCode === undefined ? {} : { icmpCode }),
    ...(log ? { log } : {}),
  };
}

function textOf({ protocol, network, domain, ports, icmpType, icmpCode, log }: Omit<NetOutRule, 'text'>): string {
  return [
    protocol,
    domain ?? (network === undefined ? '*' : formatIpv4Network(network)),
    ...(ports === undefined ? [] : [formatPorts(ports)]),
    ...(icmpType === undefined ? [] : [`type ${icmpType}`]),
    ...(icmpCode === undefined ? [] : [`code ${icmpCode}`]),
    ...(log ? ['log'] : []),
  ].join(' ');
}

function formatPorts({ first, last }: PortRange): string {
  return first === last ? String(first) : `${first}:${last}`;
}

function checkNetwork(text: string): NetOutRule['network'] {
  const network = parseIpv4Range(text);
  if (network === undefined) throw invalid(`network ${shown(text)}: must be an IPv4 address, a network such as 10.0.0.0/8, or a range such as 10.0.0.1-10.0.0.9`);
  return network;
}

function checkDomain({ network, domain = '' }: NetOutFields): string {
  if (network !== undefined && network !== '') throw invalid('network and domain exclude one another: give the one or the other');
  const pattern = parseDomainPattern(domain);
  if (pattern === undefined) {
    throw invalid(`domain ${shown(domain)}: must be a name such as api.example.com, or *.example.com for all names below it; one of another alphabet is written as in DNS, xn--…, and an address is a network`);
  }
  return pattern;
}

function checkPorts({ port, portRange }: NetOutFields): PortRange | undefined {
  const isRange = portRange !== undefined && portRange !== '';
  if (isRange && port !== undefined) throw invalid('port and port_range exclude one another: give the one or the other');
  if (isRange) return checkPortRange(portRange);
  if (port === undefined) return undefined;
  if (port < 1 || port > lastPort) throw invalid(`port ${port}: must be between 1 and ${lastPort}`);
  return { first: port, last: port };
}

function checkPortRange(text: string): PortRange {
  const match = /^(0|[1-9]\d{0,4}):(0|[1-9]\d{0,4})$/.exec(text);
  if (match === null) throw invalid(`port_range ${shown(text)}: must be two ports, as in 8080:8090`);
  const [first, last] = [Number(match[1]), Number(match[2])];
  if (first >= last) throw invalid('Port range maximum must be greater than minimum');
  if (first < 1 || last > lastPort) throw invalid(`port_range ${text}: ports are between 1 and ${lastPort}`);
  return { first, last };
}

/** -1 says any in words, which is as good as nothing with other protocols. */
function checkIcmpNumber(name: string, value: number | undefined, protocol: NetOutRule['protocol']): number | undefined {
  if (value === undefined || value === -1) return undefined;
  if (protocol !== 'icmp') throw invalid(`${name}: only with protocol ICMP`);
  if (value < 0 || value > highestIcmpNumber) throw invalid(`${name} ${value}: must be between 0 and ${highestIcmpNumber}, or -1 for any`);
  return value;
}

function shown(text: string): string {
  const line = text.slice(0, shownCharacters).replace(/[\p{Cc}\p{Cs}\u2028\u2029]/gu, '?');
  return text.length > shownCharacters ? `${line}…` : line;
}

function invalid(message: string): WardenError {
  return new WardenError('invalid_argument', message);
}
