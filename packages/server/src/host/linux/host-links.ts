/** The host's ends of containers' links, as the kernel lists them. */
import { readdirSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { parseIpv4Address } from '../../lib/ipv4.js';
import type { HostLinks } from '../host.js';
import { readKernelFile } from './kernel-file.js';

export class LinuxHostLinks implements HostLinks {
  constructor(private readonly devices = '/sys/class/net') {}

  indexOf(hostName: string): number | undefined {
    const text = readKernelFile(join(this.devices, hostName, 'ifindex'));
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
    return names.map((ifbName) => ({ ifbName, alias: readKernelFile(join(this.devices, ifbName, 'ifalias'))?.trim() ?? '' }));
  }
}
