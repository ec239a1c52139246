/** Which hosts may be spoken to how. Pure. */
import { BlockList, isIP } from 'node:net';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** What is nobody's but the machine's own, or its cloud's: where no registry may send us that is not there itself. */
const local = new BlockList();
for (const [network, prefix] of [['0.0.0.0', 8], ['127.0.0.0', 8], ['169.254.0.0', 16], ['224.0.0.0', 3]] as const) local.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of [['::', 127], ['fe80::', 10], ['ff00::', 8]] as const) local.addSubnet(network, prefix, 'ipv6');

/** `[::1]` as an address. */
function bare(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}

export function isLoopback(hostname: string): boolean {
  const address = bare(hostname);
  if (address === 'localhost') return true;
  const family = isIP(address);
  return family !== 0 && loopback.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

export function isLocalAddress(address: string): boolean {
  const family = isIP(bare(address));
  return family !== 0 && local.check(bare(address), family === 6 ? 'ipv6' : 'ipv4');
}

export class Hosts {
  readonly #registry: string;
  readonly #insecure: ReadonlySet<string>;

  /**
   * @param registry HOST or HOST:PORT
   * @param insecure those that may speak without TLS
   */
  constructor(registry: string, insecure: readonly string[]) {
    this.#registry = registry.toLowerCase();
    this.#insecure = new Set(insecure.map((host) => host.toLowerCase()));
  }

  /** Whether it may speak without TLS: a loopback address, or a configured host. */
  mayBePlain(url: URL): boolean {
    return isLoopback(url.hostname) || this.#insecure.has(url.host) || this.#insecure.has(url.hostname);
  }

  /** Whether a connection to that host may be one to an address of the machine's own. */
  mayBeLocal(hostname: string): boolean {
    const own = new URL(`https://${this.#registry}`).hostname;
    return hostname === own || isLoopback(own) || isLocalAddress(own);
  }
}
