/**
 * The line in which requests of all connections wait to be begun. Beginning a create takes half a millisecond of the event loop, and two hundred of
 * them that come together would be one event of a tenth of a second, for whoever sends a ping meanwhile, too. So some are begun in one turn
 * of the loop, and the rest one after the other in later ones, in the order of their arrival: turns.ts.
 */
import { Type, type RequestType } from 'warden-protocol';
import type { Clock } from '../lib/timer.js';
import { Turns } from '../lib/turns.js';

/** So few connections cannot keep the loop long, and are spared what the line costs: a turn of the loop more. */
const fewConnections = 8;

/** What costs next to nothing, and tells a client whether the server lives. */
const answeredAtOnce: ReadonlySet<RequestType> = new Set([Type.Ping, Type.Echo, Type.List]);

export class Line {
  readonly #turns: Turns;
  #connections = 0;

  constructor(clock: Clock) {
    this.#turns = new Turns(clock);
  }

  /** A connection was made. @returns to be called when it is closed */
  join(): () => void {
    this.#connections++;
    return () => void this.#connections--;
  }

  /** Whether a request may be begun at once; otherwise it has to wait. */
  isFreeFor(type: RequestType): boolean {
    if (answeredAtOnce.has(type)) return true;
    if (this.#connections <= fewConnections) return !this.#turns.isCrowded;
    return this.#turns.isFree;
  }

  wait(begin: () => void): void {
    this.#turns.wait(begin);
  }
}
