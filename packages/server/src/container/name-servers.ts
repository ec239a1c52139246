/** Which nameservers a container gets. Pure. */

/** Those of the host's nameservers that a container could reach: not on loopback, and by IPv4. */
export function reachableNameServers(hostNameServers: readonly string[]): string[] {
  return hostNameServers.filter((server) => !server.startsWith('127.') && server !== '0.0.0.0' && !server.includes(':'));
}

/** Whether containers would get no nameserver that answers. */
export function lacksNameServers(dnsServers: readonly string[], hostNameServers: readonly string[]): boolean {
  return dnsServers.length === 0 && reachableNameServers(hostNameServers).length === 0;
}
