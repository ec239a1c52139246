/**
 * The line in which requests of all connections wait to be begun. Beginning a create takes half a millisecond of the event loop, and two hundred of
 * them that come together would be one event of a tenth of a second, for whoever sends a ping meanwhile, too. So some are begun in one turn
 * of the loop, and the rest one after the other in later ones, in the order of their arrival.
 */
import { Type, type RequestType } from 'warden-protocol';
import type { Clock } from '../lib/timer.js';

/** What may be begun in one turn of the event loop, in milliseconds. */
const turnMs = 2;

/** So few connections cannot keep the loop long, and are spared what the line costs: a turn of the loop more. */
const fewConnections = 8;

/** What costs next to nothing, and tells a client whether the server lives. */
const answeredAtOnce: ReadonlySet<RequestType> = new Set([Type.Ping, Type.Echo, Type.List]);

export class Line {
  readonly #waiting: (() => void)[] = [];
  #connections = 0;
  #counts = false;
  #endMs = 0;

  constructor(private readonly clock: Clock) {}

  /** A connection was made. @returns to be called when it is closed */
  join(): () => void {
    this.#connections++;
    return () => void this.#connections--;
  }

  /** Whether a request may be begun at once; otherwise it has to wait. */
  isFreeFor(type: RequestType): boolean {
    if (answeredAtOnce.has(type)) return true;
    if (this.#waiting.length > 0) return false;
    if (this.#connections <= fewConnections) return true;
    if (!this.#counts) {
      this.#counts = true;
      this.#endMs = this.clock.now() + turnMs;
      setImmediate(() => this.#nextTurn());
    }
    return this.clock.now() < this.#endMs;
  }

  wait(begin: () => void): void {
    this.#waiting.push(begin);
    if (this.#counts) return;
    this.#counts = true;
    setImmediate(() => this.#nextTurn());
  }

  /** The loop has looked at everybody in between. */
  #nextTurn(): void {
    this.#counts = this.#waiting.length > 0;
    if (!this.#counts) return;
    setImmediate(() => this.#nextTurn());
    this.#endMs = this.clock.now() + turnMs;
    do this.#waiting.shift()?.();
    while (this.#waiting.length > 0 && this.clock.now() < this.#endMs);
  }
}
