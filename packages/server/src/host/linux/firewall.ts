/** The firewall of one server: loads the tables, and knows a container's elements. */
import { spawn } from 'node:child_process';
import { WardenError } from 'warden-protocol';
import { ipProtocols } from '../../lib/ip-protocols.js';
import { formatIpv4Address, ipv4Bytes } from '../../lib/ipv4.js';
import type { Clock } from '../../lib/timer.js';
import type { FirewallChain, FirewallElement, LinkDescription } from '../container-description.js';
import type { Firewall, NetOutChange, PortForward } from '../host.js';
import type { FirewallChange } from '../launcher.js';
import type { NameState } from '../name-firewall.js';
import type { NetOutRule } from '../net-out-rule.js';
import { closedRanges, firewallRules, removalRules, type FirewallPolicy } from './firewall-rules.js';
import { NetOutChains } from './net-out-chains.js';
import { paddedPort, paddedProtocol } from './set-elements.js';

type FilteredLink = Pick<LinkDescription, 'hostName' | 'containerMac' | 'containerAddress'>;

type Ruled = Pick<LinkDescription, 'containerAddress'>;

/** What a load has of living containers, beside their links. */
interface LoadedState {
  readonly names: () => NameState;
  readonly forwards: () => readonly PortForward[];
}

/** IFNAMSIZ: nftables compares interface names with their padding. */
const interfaceNameSize = 16;
/** A MAC address padded to whole registers of 4 bytes. */
const paddedMacSize = 8;
const loadDeadlineMs = 30_000;
/** The kernel's report on a load is read by then. Not for long: another process will have that number. */
const reportDelayMs = 5000;

export class LinuxFirewall implements Firewall {
  readonly #netOut: NetOutChains;
  /** Process ids of nft, with the time by which the report is there; undefined while it runs. */
  readonly #loads = new Map<number, number | undefined>();

  constructor(
    private readonly policy: FirewallPolicy,
    private readonly clock: Pick<Clock, 'now'>,
    private readonly state: LoadedState = { names: () => ({ resolverPort: 0, containers: [] }), forwards: () => [] },
  ) {
    this.#netOut = new NetOutChains(policy.table, policy.pool, { closed: closedRanges(policy), denied: policy.denied });
  }

  elementsOf(link: FilteredLink, operation: FirewallElement['operation']): FirewallElement[] {
    const { table } = this.policy;
    const name = interfaceKey(link.hostName);
    const source = Buffer.alloc(interfaceNameSize + paddedMacSize + 4);
    name.copy(source);
    source.set(link.containerMac, interfaceNameSize);
    source.set(ipv4Bytes(link.containerAddress), interfaceNameSize + paddedMacSize);
    return [
      { operation, family: 'inet', table, set: 'sources', key: source },
      { operation, family: 'inet', table, set: 'interfaces', key: name },
      { operation, family: 'arp', table, set: 'senders', key: source },
      { operation, family: 'arp', table, set: 'interfaces', key: name },
    ];
  }

  netOutOf({ containerAddress }: Ruled, rules: readonly NetOutRule[]): NetOutChange {
    return this.#netOut.replaced(containerAddress, rules);
  }

  netOutAdded({ containerAddress }: Ruled, rule: NetOutRule): NetOutChange {
    return this.#netOut.added(containerAddress, rule);
  }

  netOutRemoved({ containerAddress }: Ruled, rule: NetOutRule): FirewallChain[] {
    return this.#netOut.removed(containerAddress, rule);
  }

  netOutAhead(container: Ruled & Pick<LinkDescription, 'prefix'>): NetOutChange | undefined {
    return this.#netOut.ahead(container);
  }

  portElementsOf({ protocol, hostPort, address, containerPort }: PortForward, operation: FirewallElement['operation'], isShared = false): FirewallElement[] {
    const inTable = { operation, family: 'inet', table: this.policy.table } as const;
    const number = paddedProtocol(ipProtocols[protocol]);
    const forwarded: FirewallElement = { ...inTable, set: 'forwarded', key: Buffer.concat([number, paddedPort(hostPort)]), data: Buffer.concat([ipv4Bytes(address), paddedPort(containerPort)]) };
    if (isShared && operation === 'delete') return [forwarded];
    return [forwarded, { ...inTable, set: 'forwarded_to', key: Buffer.concat([ipv4Bytes(address), number, paddedPort(containerPort)]) }];
  }

  /**
   * Replaces the tables in one transaction, with the elements of containers that live already.
   * @throws WardenError with nft's own words
   */
  async load(links: readonly FilteredLink[]): Promise<void> {
    const forwards = this.state.forwards();
    this.#netOut.forget();
    await this.#run(
      firewallRules(this.policy, {
        interfaces: links.map((link) => `"${link.hostName}"`),
        sources: links.map((link) => `"${link.hostName}" . ${formatMac(link.containerMac)} . ${formatIpv4Address(link.containerAddress)}`),
        names: this.state.names(),
        forwarded: forwards.map(({ protocol, hostPort, address, containerPort }) => `${protocol} . ${hostPort} : ${formatIpv4Address(address)} . ${containerPort}`),
        forwardedTo: [...new Set(forwards.map(({ protocol, address, containerPort }) => `${formatIpv4Address(address)} . ${protocol} . ${containerPort}`))],
      }),
    );
  }

  /** Removes the tables, when the server ends and no container is left to be filtered. */
  async unload(): Promise<void> {
    await this.#run(removalRules(this.policy.table));
  }

  /** nft's socket has its process id for its number, unless another socket had it already. */
  isOwnChange({ port, pid }: FirewallChange): boolean {
    const now = this.clock.now();
    for (const [load, until] of this.#loads) if (until !== undefined && until < now) this.#loads.delete(load);
    return (port !== undefined && this.#loads.has(port)) || (pid !== undefined && this.#loads.has(pid));
  }

  async #run(rules: string): Promise<void> {
    let load: number | undefined;
    try {
      await runNft(rules, (pid) => {
        load = pid;
        this.#loads.set(pid, undefined);
      });
    } finally {
      if (load !== undefined) this.#loads.set(load, this.clock.now() + reportDelayMs);
    }
  }
}

function interfaceKey(name: string): Buffer {
  const key = Buffer.alloc(interfaceNameSize);
  key.write(name);
  return key;
}

function formatMac(mac: Uint8Array): string {
  return Array.from(mac, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/** Runs `nft -f -`, at a load; requests change the sets through the launcher. */
function runNft(rules: string, started: (pid: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('nft', ['-f', '-'], { stdio: ['pipe', 'ignore', 'pipe'], timeout: loadDeadlineMs, env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } });
    if (child.pid !== undefined) started(child.pid);
    let words = '';
    child.stderr.on('data', (text: Buffer) => {
      words = (words + text.toString('utf8')).slice(0, 2000);
    });
    child.once('error', (error) => reject(new WardenError('unavailable', `cannot run nft: ${error.message}; install the package nftables`)));
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new WardenError('unsupported', `nft cannot load the firewall's tables (${signal ?? `status ${code}`}): ${words.trim()}`));
    });
    // A child that has ended before it read everything is reported by 'close'.
    child.stdin.on('error', () => undefined);
    child.stdin.end(rules);
  });
}
