/** Which nameservers a container gets. Pure. */
import { isLoopbackNameServer } from '../lib/resolv-conf.js';

/**
 * Configured ones; else those of the host that a container could reach: not on loopback, and by IPv4. None: the container's host end, where the
 * resolver answers for the host's own.
 */
export function nameServersFor(dnsServers: readonly string[], listHosts: () => readonly string[]): readonly string[] {
  return dnsServers.length > 0 ? dnsServers : listHosts().filter((server) => !isLoopbackNameServer(server) && !server.includes(':'));
}

/** Whether nobody could answer containers, not even through the host's end. */
export function lacksNameServers(dnsServers: readonly string[], hostNameServers: readonly string[]): boolean {
  return dnsServers.length === 0 && hostNameServers.length === 0;
}
