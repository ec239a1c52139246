// The connections of one box. The server works on one request of a connection at a time, so what may take long has one of
// its own. The first is open as long as the box is used: it is the reference that keeps the container from its grace time.
import type { Address } from '../address.js';
import type { CallOptions } from '../cancellation.js';
import { type ClientOptions, WardenClient } from '../client.js';

/** Connections that wait for the next use. */
const MOST_IDLE = 4;

export class BoxConnections {
  /** For what is answered soon. */
  readonly first: WardenClient;
  readonly #address: Address;
  readonly #options: ClientOptions;
  readonly #all = new Set<WardenClient>();
  readonly #idle: WardenClient[] = [];
  #closed = false;

  constructor(address: Address, options: ClientOptions) {
    this.#address = address;
    this.#options = options;
    this.first = new WardenClient(address, options);
  }

  /** A request that is answered soon. One that can be canceled takes its connection with it then, so it has another. */
  call<T>(options: CallOptions | undefined, work: (client: WardenClient) => Promise<T>): Promise<T> {
    return options?.signal === undefined && options?.timeoutMs === undefined ? work(this.first) : this.alone(work);
  }

  /** What may take long: it keeps nobody waiting, and nobody keeps it. */
  async alone<T>(work: (client: WardenClient) => Promise<T>): Promise<T> {
    const client = this.take();
    try {
      return await work(client);
    } finally {
      this.giveBack(client);
    }
  }

  take(): WardenClient {
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    if (this.#closed) return this.first;
    const client = new WardenClient(this.#address, this.#options);
    this.#all.add(client);
    return client;
  }

  giveBack(client: WardenClient): void {
    if (!this.#all.has(client)) return;
    if (!this.#closed && this.#idle.length < MOST_IDLE) {
      this.#idle.push(client);
      return;
    }
    this.#all.delete(client);
    void client.close();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#idle.length = 0;
    const all = [this.first, ...this.#all];
    this.#all.clear();
    await Promise.all(all.map((client) => client.close()));
  }
}
