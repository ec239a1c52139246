// Where a program begins: `await using box = await warden.create()`.
import { type Address, addressOf } from '../address.js';
import type { CallOptions } from '../cancellation.js';
import { type ClientOptions, WardenClient } from '../client.js';
import type { ImageCalls, RootfsCalls } from '../image-calls.js';
import { listPages } from '../list-pages.js';
import { Box } from './box.js';
import { BoxConnections } from './box-connections.js';
import { type BoxOptions, createRequest } from './box-options.js';
import { BoxEvents, type EventsOptions } from './events.js';
import { wireFilters } from './labels.js';
import { allOrFirstError, setLimits } from './limits.js';
import { reachOf } from './network.js';
import { type BoxSummary, type ListOptions, summaryOf } from './summary.js';

/** A server, and where a program begins: it makes boxes and finds them. */
export class Warden {
  readonly address: Address;
  /** The promise client behind it, for requests that have no method here. */
  readonly client: WardenClient;
  readonly #options: ClientOptions;

  /** Connects at its first call, to $WARDEN_SOCKET or /run/warden/warden.sock unless told otherwise. Throws invalid_argument for an address that cannot be one. */
  constructor(address?: Address | string, options: ClientOptions = {}) {
    this.address = addressOf(address);
    this.#options = options;
    this.client = new WardenClient(this.address, options);
  }

  /** With a connection. Rejects with unavailable, permission or timeout. */
  static async connect(address?: Address | string, options?: ClientOptions): Promise<Warden> {
    const warden = new Warden(address, options);
    await warden.client.connect();
    return warden;
  }

  /** A new box, which its disposal destroys. When a limit or a rule cannot be had there is no box. */
  async create(options: BoxOptions = {}, callOptions?: CallOptions): Promise<Box> {
    const connections = new BoxConnections(this.address, this.#options);
    try {
      const { handle } = await connections.first.create(createRequest(options), callOptions);
      const box = new Box(connections, handle, true);
      try {
        await furnish(box, options, callOptions);
      } catch (reason) {
        await box.destroy().catch(() => undefined);
        throw reason;
      }
      return box;
    } catch (reason) {
      await connections.close();
      throw reason;
    }
  }

  /** A box that exists, whose disposal leaves it alone. Rejects with not_found. */
  async get(handle: string, options?: CallOptions): Promise<Box> {
    const connections = new BoxConnections(this.address, this.#options);
    try {
      await connections.first.info({ handle }, options);
      return new Box(connections, handle, false);
    } catch (reason) {
      await connections.close();
      throw reason;
    }
  }

  /** The handles of all boxes, or of those with certain labels. */
  async list({ labels, ...options }: ListOptions & CallOptions = {}): Promise<readonly string[]> {
    return (await this.client.list({ labels: wireFilters(labels) }, options)).handles;
  }

  /** The same with what a table of them shows, in as many requests as that takes. It keeps no box from its grace time. */
  async boxes({ labels, ...options }: ListOptions & CallOptions = {}): Promise<readonly BoxSummary[]> {
    return (await listPages(this.client, wireFilters(labels), options)).containers.map(summaryOf);
  }

  /**
   * What happens to boxes from now on: `for await (const { handle, kind } of await warden.events())`. Its connection refers to
   * the boxes that exist now: their grace time does not begin while it is open.
   */
  events(options: EventsOptions = {}): Promise<BoxEvents> {
    return BoxEvents.open(this.address, this.#options, options);
  }

  /** Images of the server: pull, import, list, inspect, remove. */
  get images(): ImageCalls {
    return this.client.images;
  }

  /** Names of root file systems on the server's host: list, add, remove. */
  get rootfs(): RootfsCalls {
    return this.client.rootfs;
  }

  /** Settles when the server has answered. */
  async ping(options?: CallOptions): Promise<void> {
    await this.client.ping(options);
  }

  /** Closes its own connection. Boxes have theirs. */
  close(): Promise<void> {
    return this.client.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** All requests at once, on the box's first connection. */
async function furnish(box: Box, { limits, network }: BoxOptions, options: CallOptions | undefined): Promise<void> {
  const { client, handle } = box;
  const rules = (network?.allow ?? []).map(reachOf);
  await allOrFirstError([
    ...(limits === undefined ? [] : [setLimits(client, handle, limits, options)]),
    ...rules.map((rule) => client.netOut({ handle, ...rule }, options)),
    ...(network?.expose ?? []).map((containerPort) => client.netIn({ handle, containerPort }, options)),
  ]);
}
