/** The host's ends of containers' links, as the kernel lists them. */
import { networkInterfaces } from 'node:os';
import { parseIpv4Address } from '../../lib/ipv4.js';
import type { HostLinks } from '../host.js';

export class LinuxHostLinks implements HostLinks {
  list(): { hostName: string; hostAddress: number }[] {
    return Object.entries(networkInterfaces()).flatMap(([hostName, addresses = []]) => {
      if (!/^w-.+-0$/.test(hostName)) return [];
      const hostAddress = addresses.map(({ family, address }) => (family === 'IPv4' ? parseIpv4Address(address) : undefined)).find((address) => address !== undefined);
      return hostAddress === undefined ? [] : [{ hostName, hostAddress }];
    });
  }
}
