/**
 * Who refers to a container, and for how long it lives on when nobody does. A connection refers to the containers that
 * exist when it connects, and to those it names. When the last such connection is closed, the grace time begins; a
 * connection or a request that names the container ends it.
 *
 * "Those that exist when it connects" is not kept as a set for each connection, which would cost containers × connections:
 * connections and containers are numbered in one sequence, and a connection refers to every container with a smaller number.
 */
import type { Clock } from '../lib/timer.js';
import { startTimer } from '../lib/timer.js';
import type { Container } from './container.js';

/** A client's connection; only its identity counts. */
export type Client = object;

interface Connection {
  readonly number: number;
  readonly named: Set<Container>;
}

interface Entry {
  readonly number: number;
  readonly namedBy: Set<Client>;
  cancelTimer: (() => void) | undefined;
}

export class References {
  #sequence = 0;
  /** In the order of connecting. */
  readonly #connections = new Map<Client, Connection>();
  #newest = 0;
  /** Only containers that have a grace time. */
  readonly #entries = new Map<Container, Entry>();

  constructor(
    private readonly clock: Clock,
    private readonly onGraceTimeOver: (container: Container) => void,
  ) {}

  connect(client: Client): void {
    const number = ++this.#sequence;
    this.#connections.set(client, { number, named: new Set() });
    this.#newest = number;
    for (const entry of this.#entries.values()) this.#cancel(entry);
  }

  disconnect(client: Client): void {
    const connection = this.#connections.get(client);
    if (connection === undefined) return;
    this.#connections.delete(client);
    for (const container of connection.named) this.#entries.get(container)?.namedBy.delete(client);
    if (connection.number === this.#newest) {
      this.#newest = 0;
      for (const { number } of this.#connections.values()) this.#newest = number;
      for (const [container, entry] of this.#entries) this.#startIfUnreferenced(container, entry);
      return;
    }
    for (const container of connection.named) {
      const entry = this.#entries.get(container);
      if (entry !== undefined) this.#startIfUnreferenced(container, entry);
    }
  }

  /** A request of this client names the container. */
  name(client: Client, container: Container): void {
    const entry = this.#entries.get(container);
    const connection = this.#connections.get(client);
    if (entry === undefined || connection === undefined) return;
    connection.named.add(container);
    entry.namedBy.add(client);
    this.#cancel(entry);
  }

  add(container: Container): void {
    if (container.graceTimeMs === null) return;
    this.#entries.set(container, { number: ++this.#sequence, namedBy: new Set(), cancelTimer: undefined });
  }

  /** Starts the grace time of a container that nobody refers to: after a create whose client has gone, and after a start. */
  check(container: Container): void {
    const entry = this.#entries.get(container);
    if (entry !== undefined) this.#startIfUnreferenced(container, entry);
  }

  remove(container: Container): void {
    const entry = this.#entries.get(container);
    if (entry === undefined) return;
    this.#cancel(entry);
    this.#entries.delete(container);
    for (const client of entry.namedBy) this.#connections.get(client)?.named.delete(container);
  }

  /** Stops every timer, because the server ends; containers live on. */
  stop(): void {
    for (const entry of this.#entries.values()) this.#cancel(entry);
    this.#entries.clear();
  }

  #startIfUnreferenced(container: Container, entry: Entry): void {
    if (entry.namedBy.size > 0 || this.#newest > entry.number || entry.cancelTimer !== undefined) return;
    entry.cancelTimer = startTimer(this.clock, container.graceTimeMs ?? 0, () => {
      entry.cancelTimer = undefined;
      this.onGraceTimeOver(container);
    });
  }

  #cancel(entry: Entry): void {
    entry.cancelTimer?.();
    entry.cancelTimer = undefined;
  }
}
