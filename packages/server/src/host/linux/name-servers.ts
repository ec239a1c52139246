/** The host's nameservers, from resolv.conf(5). */
import { readFileSync } from 'node:fs';
import { isLoopbackNameServer, parseNameServers, replaceStubs } from '../../lib/resolv-conf.js';
import type { NameServers } from '../host.js';

/** What the stub of systemd-resolved asks itself: systemd-resolved.service(8). */
const resolvedConf = '/run/systemd/resolve/resolv.conf';

export class LinuxNameServers implements NameServers {
  constructor(
    private readonly path = '/etc/resolv.conf',
    private readonly realPath = resolvedConf,
  ) {}

  /** Read at every create: the host may move to another network. Takes some 20 microseconds, and as much again with a stub. */
  list(): string[] {
    const servers = serversOf(this.path);
    return servers.some(isLoopbackNameServer) ? replaceStubs(servers, serversOf(this.realPath)) : servers;
  }
}

function serversOf(path: string): string[] {
  try {
    return parseNameServers(readFileSync(path, 'utf8'));
  } catch {
    // No file is the same as an empty one: resolv.conf(5).
    return [];
  }
}
