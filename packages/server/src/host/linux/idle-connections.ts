/**
 * Connections to monitors that wait for their next request. A container that is used often keeps its own; of all together
 * only those used last are kept, so that a thousand idle containers cost no descriptors and no memory for it.
 */
import type { MonitorConnection } from './monitor-connection.js';

export class IdleConnections {
  /** In the order of their last use. */
  readonly #connections = new Set<MonitorConnection>();

  constructor(private readonly limit: number) {}

  /** Closes the one that has waited longest when there are too many. */
  add(connection: MonitorConnection): void {
    this.#connections.add(connection);
    if (this.#connections.size <= this.limit) return;
    const [oldest] = this.#connections;
    // Its monitor is told, and calls remove().
    oldest?.close();
  }

  /** It is in use again, or closed. */
  remove(connection: MonitorConnection): void {
    this.#connections.delete(connection);
  }
}
