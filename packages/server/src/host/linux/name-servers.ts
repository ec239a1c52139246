/** The host's nameservers, from resolv.conf(5). */
import { type BigIntStats, readFileSync, statSync } from 'node:fs';
import { isLoopbackNameServer, parseNameServers, replaceStubs } from '../../lib/resolv-conf.js';
import type { FoundNameServers, NameServers } from '../host.js';
import { stillThere } from './file-mark.js';

/** What the stub of systemd-resolved asks itself: systemd-resolved.service(8). */
const resolvedConf = '/run/systemd/resolve/resolv.conf';

export class LinuxNameServers implements NameServers {
  constructor(
    private readonly path = '/etc/resolv.conf',
    private readonly realPath = resolvedConf,
  ) {}

  /** Read at every create: the host may move to another network. Takes some 20 microseconds, and as much again with a stub. */
  list(): string[] {
    return this.#list(serversOf);
  }

  look(): FoundNameServers {
    const marks: (() => boolean)[] = [];
    const servers = this.#list((path) => {
      marks.push(markOf(path));
      return serversOf(path);
    });
    return { servers, isStill: () => marks.every((isStill) => isStill()) };
  }

  #list(read: (path: string) => string[]): string[] {
    const servers = read(this.path);
    return servers.some(isLoopbackNameServer) ? replaceStubs(servers, read(this.realPath)) : servers;
  }
}

/** Of the file that a link leads to: that is where it is written anew. */
function markOf(path: string): () => boolean {
  const look = (): BigIntStats | undefined => statSync(path, { bigint: true, throwIfNoEntry: false });
  try {
    return stillThere(look(), look);
  } catch {
    return () => false;
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
