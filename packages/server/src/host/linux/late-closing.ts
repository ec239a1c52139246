/**
 * Connections that are of no use any more, closed a moment later, many at a time. Closing one takes as long as half a reply, and whoever was just
 * answered is mostly woken on our own processor: it runs when we sleep.
 */
import { startTimer, type Clock } from '../../lib/timer.js';
import type { MonitorConnection } from './monitor-connection.js';

/** Long enough for a client to have read its reply. */
const delayMs = 2;
/** Descriptors that wait to be closed. */
const limit = 64;

export class LateClosing {
  #connections: MonitorConnection[] = [];

  constructor(private readonly clock: Clock) {}

  add(connections: Iterable<MonitorConnection>): void {
    const isTimed = this.#connections.length > 0;
    this.#connections.push(...connections);
    if (this.#connections.length > limit) this.#close();
    else if (!isTimed && this.#connections.length > 0) startTimer(this.clock, delayMs, () => this.#close());
  }

  #close(): void {
    const connections = this.#connections;
    this.#connections = [];
    for (const connection of connections) connection.close();
  }
}
