/**
 * Ports of the host that lead to containers: handed out from a range, or claimed one by one wherever they lie. TCP and UDP have ports of their
 * own. A port that was given back is handed out again last of all. Pure.
 */
import { lastPort, type PortProtocol, type PortRange } from '../lib/port.js';

/** What the default of the pool begins with at least. */
const lowestDefault = 60_000;
/** What a machine's default has to hold. */
const smallestDefault = 1000;

/** Of port.pool_start_port and port.pool_size. */
export interface PortPoolChoice {
  readonly startPort: number | undefined;
  readonly size: number | undefined;
}

/**
 * The pool's range. What is not chosen begins above the ports that the kernel gives to the machine's own connections, and at 60000 where these
 * leave no room for a thousand.
 * @param ephemeral the kernel's own, net.ipv4.ip_local_port_range
 */
export function portPoolRange({ startPort, size }: PortPoolChoice, ephemeral: PortRange): PortRange {
  const above = Math.max(lowestDefault, ephemeral.last + 1);
  const first = startPort ?? (above + (size ?? smallestDefault) - 1 > lastPort ? Math.min(lowestDefault, lastPort + 1 - (size ?? smallestDefault)) : above);
  return { first, last: size === undefined ? lastPort : first + size - 1 };
}

/** The ports of one protocol. */
class Ports {
  readonly #taken = new Set<number>();
  /** Given back, the longest unused first. */
  readonly #free = new Set<number>();
  /** From here on only claimed ones were used. */
  #next: number;

  constructor(private readonly range: PortRange) {
    this.#next = range.first;
  }

  /** Of the range. */
  get takenCount(): number {
    let count = 0;
    for (const port of this.#taken) if (port >= this.range.first && port <= this.range.last) count++;
    return count;
  }

  acquire(): number | undefined {
    while (this.#next <= this.range.last) {
      const port = this.#next++;
      if (this.claim(port)) return port;
    }
    for (const port of this.#free) {
      this.claim(port);
      return port;
    }
    return undefined;
  }

  claim(port: number): boolean {
    if (this.#taken.has(port)) return false;
    this.#taken.add(port);
    this.#free.delete(port);
    return true;
  }

  release(port: number): void {
    if (this.#taken.delete(port) && port >= this.range.first && port < this.#next) this.#free.add(port);
  }
}

export class PortPool {
  readonly #ports: Readonly<Record<PortProtocol, Ports>>;

  constructor(private readonly range: PortRange) {
    this.#ports = { tcp: new Ports(range), udp: new Ports(range) };
  }

  /** Ports of the range, for each protocol. */
  get size(): number {
    return this.range.last - this.range.first + 1;
  }

  /** Ports of the range that containers have. */
  taken(protocol: PortProtocol): number {
    return this.#ports[protocol].takenCount;
  }

  /** A free port of the range, or undefined when all are taken. */
  acquire(protocol: PortProtocol): number | undefined {
    return this.#ports[protocol].acquire();
  }

  /** Takes this very port, of the range or not. @returns false: it is taken */
  claim(protocol: PortProtocol, port: number): boolean {
    return this.#ports[protocol].claim(port);
  }

  release(protocol: PortProtocol, port: number): void {
    this.#ports[protocol].release(port);
  }
}
