/** The host's ends of containers' links, as the kernel lists them. */
import { readdirSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { parseIpv4Address } from '../../lib/ipv4.js';
import type { HostLinks } from '../host.js';
import { isErrno } from './small-file.js';
import { unlessGone } from './unless-gone.js';

export class LinuxHostLinks implements HostLinks {
  constructor(private readonly devices = '/sys/class/net') {}

  indexOf(hostName: string): number | undefined {
    const text = this.#read(hostName, 'ifindex');
    return text === undefined ? undefined : Number(text);
  }

  list(): { hostName: string; hostAddress: number }[] {
    return Object.entries(networkInterfaces()).flatMap(([hostName, addresses = []]) => {
      if (!/^w-.+-0$/.test(hostName)) return [];
      const hostAddress = addresses.map(({ family, address }) => (family === 'IPv4' ? parseIpv4Address(address) : undefined)).find((address) => address !== undefined);
      return hostAddress === undefined ? [] : [{ hostName, hostAddress }];
    });
  }

  /** They have no address, so that node:os does not know them. */
  listIfbs(): { ifbName: string; alias: string }[] {
    const names = readdirSync(this.devices).filter((name) => /^w-.+-2$/.test(name));
    return names.map((ifbName) => ({ ifbName, alias: this.#read(ifbName, 'ifalias')?.trim() ?? '' }));
  }

  /** An attribute of an interface; undefined: it is not there, or goes at this moment. */
  #read(name: string, attribute: string): string | undefined {
    try {
      return unlessGone(undefined, () => readFileSync(join(this.devices, name, attribute), 'utf8'));
    } catch (error) {
      // What the kernel says when it went between open(2) and read(2).
      if (isErrno(error, 'EINVAL')) return undefined;
      throw error;
    }
  }
}
