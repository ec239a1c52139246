/** The firewall of one server: loads the tables at the start, and knows a container's elements. */
import { spawn } from 'node:child_process';
import { WardenError } from 'warden-protocol';
import { formatIpv4Address, ipv4Bytes } from '../../lib/ipv4.js';
import type { FirewallElement, LinkDescription } from '../container-description.js';
import type { Firewall } from '../host.js';
import { firewallRules, removalRules, type FirewallPolicy } from './firewall-rules.js';

type FilteredLink = Pick<LinkDescription, 'hostName' | 'containerMac' | 'containerAddress'>;

/** IFNAMSIZ: nftables compares interface names with their padding. */
const interfaceNameSize = 16;
/** A MAC address padded to whole registers of 4 bytes. */
const paddedMacSize = 8;
const loadDeadlineMs = 30_000;

export class LinuxFirewall implements Firewall {
  constructor(private readonly policy: FirewallPolicy) {}

  elementsOf(link: FilteredLink, operation: FirewallElement['operation']): FirewallElement[] {
    const { table } = this.policy;
    const name = Buffer.alloc(interfaceNameSize);
    name.write(link.hostName);
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

  /**
   * Replaces the tables in one transaction, with the elements of containers that live already.
   * @throws WardenError with nft's own words
   */
  async load(links: readonly FilteredLink[]): Promise<void> {
    await runNft(
      firewallRules(this.policy, {
        interfaces: links.map((link) => `"${link.hostName}"`),
        sources: links.map((link) => `"${link.hostName}" . ${formatMac(link.containerMac)} . ${formatIpv4Address(link.containerAddress)}`),
      }),
    );
  }

  /** Removes the tables, when the server ends and no container is left to be filtered. */
  async unload(): Promise<void> {
    await runNft(removalRules(this.policy.table));
  }
}

function formatMac(mac: Uint8Array): string {
  return Array.from(mac, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/** Runs `nft -f -` once, at the start; requests change the sets through the launcher. */
function runNft(rules: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('nft', ['-f', '-'], { stdio: ['pipe', 'ignore', 'pipe'], timeout: loadDeadlineMs, env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } });
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
