/**
 * Who refers to a container, and for how long it lives on when nobody does. A connection refers to the containers that
 * exist when it connects, and to those it names. When the last such connection is closed, the grace time begins; a
 * connection or a request that names the container ends it.
 *
 * "Those that exist when it connects" is not kept as a set for each connection, which would cost containers × connections:
 * connections and containers are numbered in one sequence, and a connection refers to every container with a smaller number.
 * So when a connection closes, only containers between it and the next older one may have lost their last reference, and only
 * when it was the newest.
 */
import type { Clock } from '../lib/timer.js';
import { startTimer } from '../lib/timer.js';
import type { Container } from './container.js';

/** A client's connection; only its identity counts. */
export type Client = object;

interface Connection {
  readonly number: number;
  readonly named: Set<Container>;
  /** Neighbours in the order of connecting. */
  older: Connection | undefined;
  newer: Connection | undefined;
}

interface Entry {
  readonly number: number;
  readonly container: Container;
  readonly namedBy: Set<Client>;
  cancelTimer: (() => void) | undefined;
}

export class References {
  #sequence = 0;
  readonly #connections = new Map<Client, Connection>();
  #newest: Connection | undefined;
  /** Only containers that have a grace time. */
  readonly #entries = new Map<Container, Entry>();
  /** The same by ascending number. */
  readonly #ordered: Entry[] = [];
  /** Those whose grace time runs. */
  readonly #running = new Set<Entry>();
  #examined = 0;

  constructor(
    private readonly clock: Clock,
    private readonly onGraceTimeOver: (container: Container) => void,
  ) {}

  /** How many times a container was looked at: the cost of all that happened so far. */
  get examined(): number {
    return this.#examined;
  }

  connect(client: Client): void {
    const connection: Connection = { number: ++this.#sequence, named: new Set(), older: this.#newest, newer: undefined };
    if (this.#newest !== undefined) this.#newest.newer = connection;
    this.#newest = connection;
    this.#connections.set(client, connection);
    for (const entry of this.#running) this.#cancel(entry);
  }

  disconnect(client: Client): void {
    const connection = this.#connections.get(client);
    if (connection === undefined) return;
    this.#connections.delete(client);
    for (const container of connection.named) this.#entries.get(container)?.namedBy.delete(client);
    const { older, newer } = connection;
    if (older !== undefined) older.newer = newer;
    if (newer !== undefined) newer.older = older;
    else this.#newest = older;
    if (newer === undefined) {
      for (let at = this.#firstAfter(older?.number ?? 0); at < this.#ordered.length; at++) {
        const entry = this.#ordered[at] as Entry;
        if (entry.number > connection.number) break;
        this.#startIfUnreferenced(entry);
      }
    }
    for (const container of connection.named) {
      const entry = this.#entries.get(container);
      if (entry !== undefined) this.#startIfUnreferenced(entry);
    }
  }

  /** A request of this client names the container. A client that has gone meanwhile refers to nothing: the grace time begins anew. */
  name(client: Client, container: Container): void {
    const entry = this.#entries.get(container);
    if (entry === undefined) return;
    this.#cancel(entry);
    const connection = this.#connections.get(client);
    if (connection === undefined) {
      this.#startIfUnreferenced(entry);
      return;
    }
    connection.named.add(container);
    entry.namedBy.add(client);
  }

  add(container: Container): void {
    if (container.graceTimeMs === null) return;
    const entry: Entry = { number: ++this.#sequence, container, namedBy: new Set(), cancelTimer: undefined };
    this.#entries.set(container, entry);
    this.#ordered.push(entry);
  }

  /** Starts the grace time of a container that nobody refers to: after a create whose client has gone, and after a start. */
  check(container: Container): void {
    const entry = this.#entries.get(container);
    if (entry !== undefined) this.#startIfUnreferenced(entry);
  }

  remove(container: Container): void {
    const entry = this.#entries.get(container);
    if (entry === undefined) return;
    this.#cancel(entry);
    this.#entries.delete(container);
    this.#ordered.splice(this.#firstAfter(entry.number - 1), 1);
    for (const client of entry.namedBy) this.#connections.get(client)?.named.delete(container);
  }

  /** Stops every timer, because the server ends; containers live on. */
  stop(): void {
    for (const entry of this.#running) this.#cancel(entry);
    this.#entries.clear();
    this.#ordered.length = 0;
  }

  /** Index of the first entry with a number above `number`. */
  #firstAfter(number: number): number {
    let [low, high] = [0, this.#ordered.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#ordered[middle] as Entry).number > number) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #startIfUnreferenced(entry: Entry): void {
    this.#examined++;
    if (entry.namedBy.size > 0 || (this.#newest?.number ?? 0) > entry.number || entry.cancelTimer !== undefined) return;
    this.#running.add(entry);
    entry.cancelTimer = startTimer(this.clock, entry.container.graceTimeMs ?? 0, () => {
      entry.cancelTimer = undefined;
      this.#running.delete(entry);
      this.onGraceTimeOver(entry.container);
    });
  }

  #cancel(entry: Entry): void {
    this.#examined++;
    entry.cancelTimer?.();
    entry.cancelTimer = undefined;
    this.#running.delete(entry);
  }
}
