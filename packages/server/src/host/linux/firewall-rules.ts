/**
 * The text of the firewall's tables. They are loaded as a whole at the start and their chains never change; a container is an
 * element in each of four sets, added and removed by the launcher:
 *
 *   inet interfaces   the host's end of its link
 *   inet sources      host's end . the container's MAC . the container's address
 *   arp  interfaces   the host's end
 *   arp  senders      host's end . the container's MAC . the container's address
 *
 * One that has net_out rules has a chain of its own, too, to which the map net_out leads from its address, and which is made and changed by the launcher (net-out-chains.ts).
 * Rules that log end in the chain logged, which writes at most ten lines a second to the kernel's log, for all containers together.
 *
 * One with rules for names asks the resolver for them, and nobody else; what it was answered is open to it for some time (name-firewall.ts).
 *
 * How many connections a container has, and how many it has begun of late, is counted in the sets connections and connection_rates, by its address. The
 * kernel adds their elements by itself; they stay, as many as the pool has networks: whoever has the address next begins with no connection.
 *
 * Interfaces are matched by these sets and not by their prefix, so that interfaces of other software, and of another
 * wardend with a table of its own, are none of our business.
 *
 * A port of the host that leads to a container is an element in each of two more:
 *
 *   inet forwarded    protocol . the host's port : the container's address . its port
 *   inet forwarded_to the container's address . protocol . its port
 *
 * What holds for a container's packets:
 *   - only IPv4 from its own MAC and address gets in, so nothing can be spoofed and nothing passes by over IPv6; nobody else has a container's
 *     address, so that not even a refusal goes to a container that did not ask;
 *   - the host answers what it asked for itself, and nothing else, unless allow_host_access; that does not open its loopback addresses, which can be reached
 *     from elsewhere where net.ipv4.conf.*.route_localnet is set (CVE-2020-8558), nor link-local ones, unless allow_networks names them;
 *   - other networks are reached only when allow_networks names them and deny_networks does not; other containers, loopback and
 *     link-local addresses (169.254.0.0/16, where clouds keep their credentials) only by an entry that lies within them;
 *   - of new connections there are at most so many a second, and at a time, that one container cannot use up what the machine has for all;
 *   - what comes from elsewhere to a container has to belong to a connection that the container or the host opened, or to come by a
 *     port of the host that leads to it. A container that connects to such a port of another one is judged by what it may reach behind it;
 *   - what leaves the machine carries the machine's address.
 */
import { formatIpv4Range, ipv4RangeContains, parseIpv4Range, type Ipv4Range } from '../../lib/ipv4.js';
import type { NameState } from '../name-firewall.js';
import { nameChains, nameGuard, nameInput, nameOpened, nameSets } from './name-firewall.js';
import { netOutAsked, netOutChains } from './net-out-expressions.js';
import { elements } from './set-elements.js';

export interface FirewallPolicy {
  readonly table: string;
  readonly pool: Ipv4Range;
  readonly denied: readonly Ipv4Range[];
  readonly allowed: readonly Ipv4Range[];
  readonly allowHostAccess: boolean;
  /** Connections of one container to elsewhere at a time, and new ones a second; 0: any number. */
  readonly connectionLimit: number;
  readonly connectionRate: number;
}

/** Text forms of the elements of containers that live already. */
export interface FirewallTextElements {
  readonly interfaces: readonly string[];
  /** interface . MAC . address */
  readonly sources: readonly string[];
  readonly names: NameState;
  /** protocol . host port : address . port */
  readonly forwarded: readonly string[];
  /** address . protocol . port */
  readonly forwardedTo: readonly string[];
}

const guarded: readonly Ipv4Range[] = ['127.0.0.0/8', '169.254.0.0/16'].map(parseIpv4Range).filter((range) => range !== undefined);

/** What a wildcard such as 0.0.0.0/0 does not open. */
export function closedRanges({ pool }: Pick<FirewallPolicy, 'pool'>): readonly Ipv4Range[] {
  return [...guarded, pool];
}

/**
 * A connection ends with the port that it came by: both ends are refused from then on. (An entry that the kernel had forgotten would not do: the end of a
 * connection that it does not know it takes for invalid, and who is not answered keeps a container's network for minutes.)
 */
const answerByClosedPort = 'meta l4proto { tcp, udp } ct status dnat ct direction reply ip saddr . meta l4proto . th sport != @forwarded_to goto refuse';

/** Input for `nft -f -`: one transaction that replaces both tables. */
export function firewallRules(policy: FirewallPolicy, { interfaces, sources, names, forwarded, forwardedTo }: FirewallTextElements): string {
  const { table } = policy;
  const closed = closedRanges(policy);
  const isWithinClosed = (range: Ipv4Range): boolean => closed.some((outer) => ipv4RangeContains(outer, range));
  const allowedByName = policy.allowed.filter(isWithinClosed);
  const allowed = policy.allowed.filter((range) => !isWithinClosed(range));
  return `${removalRules(table)}
table inet ${table} {
  set interfaces { type ifname; ${elements(interfaces)} }
  set sources { typeof iifname . ether saddr . ip saddr; ${elements(sources)} }
  set pool { type ipv4_addr; flags interval; auto-merge; ${elements([formatIpv4Range(policy.pool)])} }
  set denied { type ipv4_addr; flags interval; auto-merge; ${elements(policy.denied.map(formatIpv4Range))} }
  set allowed { type ipv4_addr; flags interval; auto-merge; ${elements(allowed.map(formatIpv4Range))} }
  set allowed_by_name { type ipv4_addr; flags interval; auto-merge; ${elements(allowedByName.map(formatIpv4Range))} }
  set closed { type ipv4_addr; flags interval; auto-merge; ${elements(closed.map(formatIpv4Range))} }
  map net_out { type ipv4_addr : verdict; }
  ${nameSets(names)}
  set connections { type ipv4_addr; size ${networksOf(policy.pool)}; flags dynamic; }
  set connection_rates { type ipv4_addr; size ${networksOf(policy.pool)}; flags dynamic; }
  map forwarded { type inet_proto . inet_service : ipv4_addr . inet_service; ${elements(forwarded)} }
  set forwarded_to { type ipv4_addr . inet_proto . inet_service; ${elements(forwardedTo)} }

  chain prerouting {
    type filter hook prerouting priority raw; policy accept;
    iifname @interfaces goto pinned
    iifname != "lo" ip saddr @pool drop
  }

  chain pinned {
    iifname . ether saddr . ip saddr @sources return
    drop
  }

  chain input {
    type filter hook input priority filter; policy accept;
    ${nameInput}
    iifname @interfaces jump to_host
  }

  chain to_host {
    ${answerByClosedPort}
    ct state established,related accept
    ct state new jump capped
    ${policy.allowHostAccess ? `${guarded.map((range) => `ip daddr ${formatIpv4Range(range)} ip daddr != @allowed_by_name goto refuse\n    `).join('')}accept` : 'goto refuse'}
  }

  chain forward {
    type filter hook forward priority filter; policy accept;
    iifname @interfaces goto from_container
    oifname @interfaces goto to_container
  }

  chain from_container {
    ${nameGuard}
    ${answerByClosedPort}
    ct state established,related accept
    ct state new jump capped
    ct state invalid,untracked drop
    ${netOutAsked}
    ip daddr @denied goto refuse
    ip daddr @allowed_by_name accept
    ip daddr @closed goto refuse
    oifname @interfaces goto refuse
    ${nameOpened}
    ip daddr @allowed accept
    goto refuse
  }

  ${nameChains}

  chain capped {
${policy.connectionRate === 0 ? '' : `    add @connection_rates { ip saddr limit rate over ${policy.connectionRate}/second burst ${policy.connectionRate} packets } drop
`}${policy.connectionLimit === 0 ? '' : `    add @connections { ip saddr ct count over ${policy.connectionLimit} } goto refuse
`}  }

  chain logged {
    limit rate 8/second burst 2 packets log prefix "${table}: " level info
    accept
  }

  ${netOutChains}

  chain to_container {
    meta l4proto { tcp, udp } ct status dnat ct direction original ip daddr . meta l4proto . th dport != @forwarded_to goto refuse
    ct state established,related accept
    ct status dnat ip daddr . meta l4proto . th dport @forwarded_to accept
    goto refuse
  }

  chain output {
    type filter hook output priority filter; policy accept;
    oifname @interfaces meta nfproto ipv6 drop
  }

  chain to_ports {
    type nat hook prerouting priority dstnat; policy accept;
    ip daddr != 127.0.0.0/8 fib daddr type local goto lead_to_container
  }

  chain to_ports_from_host {
    type nat hook output priority -100; policy accept;
    ip daddr != 127.0.0.0/8 fib daddr type local goto lead_to_container
  }

  chain lead_to_container {
    dnat ip to meta l4proto . th dport map @forwarded
  }

  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr @pool ip daddr != @pool masquerade
  }

  chain refuse {
    ct state invalid drop
    meta nfproto ipv6 drop
    meta l4proto tcp reject with tcp reset
    reject with icmp type admin-prohibited
  }
}

table arp ${table} {
  set interfaces { type ifname; ${elements(interfaces)} }
  set senders { typeof iifname . arp saddr ether . arp saddr ip; ${elements(sources)} }

  chain input {
    type filter hook input priority filter; policy accept
    iifname @interfaces jump pinned
  }

  chain pinned {
    iifname . arp saddr ether . arp saddr ip @senders return
    drop
  }
}
`;
}

/** Input for `nft -f -` that removes both tables; adding them first makes it work when they are not there. */
export function removalRules(table: string): string {
  return ['inet', 'arp'].map((family) => `add table ${family} ${table}\ndelete table ${family} ${table}\n`).join('');
}

function networksOf(pool: Ipv4Range): number {
  return Math.max(1, Math.floor((pool.last - pool.first + 1) / 4));
}
