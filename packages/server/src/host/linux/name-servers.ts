/** The host's nameservers, from resolv.conf(5). */
import { readFileSync } from 'node:fs';
import type { NameServers } from '../host.js';

export class LinuxNameServers implements NameServers {
  constructor(private readonly path = '/etc/resolv.conf') {}

  /** Read at every create: the host may move to another network. Takes some 20 microseconds. */
  list(): string[] {
    try {
      return parseNameServers(readFileSync(this.path, 'utf8'));
    } catch {
      // No file is the same as an empty one: resolv.conf(5).
      return [];
    }
  }
}

/** Addresses of the `nameserver` lines, in order. */
export function parseNameServers(text: string): string[] {
  return Array.from(text.matchAll(/^nameserver[ \t]+([0-9A-Fa-f:.]+)/gm), (match) => match[1] ?? '');
}
