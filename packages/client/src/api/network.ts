// What a box may reach, and what reaches it.
import { NetInProtocol, type NetInMapping, NetOutProtocol, type NetOutRule, WardenError } from 'warden-protocol';
import type { CallOptions } from '../cancellation.js';
import type { BoxConnections } from './box-connections.js';

/** Something to reach: as text `10.0.0.0/8`, `192.0.2.7:443`, `example.com:443`, `*.example.com`, or the protocol's fields. */
export type Reach = string | {
  readonly network?: string | undefined;
  readonly domain?: string | undefined;
  readonly port?: number | undefined;
  /** low:high */
  readonly portRange?: string | undefined;
  /** tcp unless given. */
  readonly protocol?: 'tcp' | 'udp' | 'icmp' | 'all' | undefined;
  readonly icmpType?: number | undefined;
  readonly icmpCode?: number | undefined;
  readonly log?: boolean | undefined;
};

export interface ExposeOptions extends CallOptions {
  /** One of the server's pool unless given. */
  readonly hostPort?: number | undefined;
  /** tcp unless given. */
  readonly protocol?: 'tcp' | 'udp' | undefined;
}

/** A port of the host that leads to the box. */
export interface ExposedPort {
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: 'tcp' | 'udp';
}

const OUT = { tcp: NetOutProtocol.TCP, udp: NetOutProtocol.UDP, icmp: NetOutProtocol.ICMP, all: NetOutProtocol.ALL } as const;
const IN = { tcp: NetInProtocol.TCP, udp: NetInProtocol.UDP } as const;

/** The fields of net_out. Throws invalid_argument. */
export function reachOf(reach: Reach): NetOutRule {
  if (typeof reach !== 'string') {
    const { protocol, ...fields } = reach;
    return { ...fields, ...(protocol === undefined ? {} : { protocol: OUT[protocol] }) };
  }
  const match = /^([^:\s]*)(?::(\d{1,5})(?:-(\d{1,5}))?)?$/.exec(reach);
  if (match === null || reach === '') throw new WardenError('invalid_argument', `what a box may reach is ADDRESS, NETWORK or DOMAIN, with :PORT or :LOW-HIGH behind it, not ${JSON.stringify(reach)}`);
  const [, where = '', port, high] = match;
  return {
    ...(where === '' ? {} : /^[\d./-]+$/.test(where) ? { network: where } : { domain: where }),
    ...(port === undefined ? {} : high === undefined ? { port: Number(port) } : { portRange: `${port}:${high}` }),
  };
}

/** `box.network`: what the box may reach, and what reaches it. */
export class BoxNetwork {
  readonly #connections: BoxConnections;
  readonly #handle: string;

  /** @internal Made by Box. */
  constructor(connections: BoxConnections, handle: string) {
    this.#connections = connections;
    this.#handle = handle;
  }

  /** Lets the box reach something. Without any rule it reaches nothing. */
  async allow(reach: Reach, options?: CallOptions): Promise<void> {
    const rule = reachOf(reach);
    await this.#connections.call(options, (client) => client.netOut({ handle: this.#handle, ...rule }, options));
  }

  /** Takes back what was allowed in the same words. Rejects with not_found when it was not. */
  async disallow(reach: Reach, options?: CallOptions): Promise<void> {
    const rule = reachOf(reach);
    await this.#connections.call(options, (client) => client.netOut({ handle: this.#handle, ...rule, remove: true }, options));
  }

  /** What was allowed, in the fields of the protocol. */
  async rules(options?: CallOptions): Promise<readonly NetOutRule[]> {
    return (await this.#connections.call(options, (client) => client.info({ handle: this.#handle }, options))).netOut;
  }

  /** Leads a port of the host to one of the box; without a port to the same one. */
  async expose(containerPort?: number, { hostPort, protocol = 'tcp', ...options }: ExposeOptions = {}): Promise<ExposedPort> {
    const request = { handle: this.#handle, containerPort, hostPort, ...(protocol === 'tcp' ? {} : { protocol: IN[protocol] }) };
    const reply = await this.#connections.call(options, (client) => client.netIn(request, options));
    return { ...reply, protocol };
  }

  /** Closes a port of the host again. */
  async unexpose({ hostPort, protocol = 'tcp' }: { readonly hostPort: number; readonly protocol?: 'tcp' | 'udp' }, options?: CallOptions): Promise<void> {
    await this.#connections.call(options, (client) => client.netIn({ handle: this.#handle, hostPort, ...(protocol === 'tcp' ? {} : { protocol: IN[protocol] }), remove: true }, options));
  }

  /** Its ports that the host leads to it. */
  async exposed(options?: CallOptions): Promise<ExposedPort[]> {
    const { netIn } = await this.#connections.call(options, (client) => client.info({ handle: this.#handle }, options));
    return netIn.map(exposedPort);
  }
}

export function exposedPort({ hostPort = 0, containerPort = 0, protocol }: NetInMapping): ExposedPort {
  return { hostPort, containerPort, protocol: protocol === NetInProtocol.UDP ? 'udp' : 'tcp' };
}
