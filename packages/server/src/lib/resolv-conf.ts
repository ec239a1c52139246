/** resolv.conf(5): which name servers a machine asks, and which of them a container could. Pure. */

/** Addresses of the `nameserver` lines, in order. */
export function parseNameServers(text: string): string[] {
  return Array.from(text.matchAll(/^nameserver[ \t]+([0-9A-Fa-f:.]+)/gm), (match) => match[1] ?? '');
}

/** On the machine itself: nobody else reaches it there. */
export function isLoopbackNameServer(server: string): boolean {
  return server.startsWith('127.') || server === '0.0.0.0' || server === '::1' || server === '::';
}

/**
 * The servers with those on loopback replaced by the ones that they ask themselves, as far as these are known. Each once.
 * @param real of systemd-resolved: /run/systemd/resolve/resolv.conf
 */
export function replaceStubs(servers: readonly string[], real: readonly string[]): string[] {
  const behind = real.filter((server) => !isLoopbackNameServer(server));
  if (behind.length === 0) return [...new Set(servers)];
  return [...new Set(servers.flatMap((server) => (isLoopbackNameServer(server) ? behind : [server])))];
}
