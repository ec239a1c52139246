/**
 * What one connection may have answered before others get their turn: so many requests, for so long. The time is what counts when a list of
 * many containers takes as long as a hundred pings.
 *
 * A turn begins with an event of the loop, not with an answer. Handlers that wait for nothing, and those that fail, settle before the loop
 * goes on, and a thousand such requests that a client sent at once would be one single event.
 */
import type { Clock } from '../lib/timer.js';

const requestsInARow = 256;
const lengthMs = 1;

export class Turn {
  #requests = 0;
  #endMs = 0;
  #waits = false;

  constructor(private readonly clock: Clock) {}

  begin(): void {
    this.#requests = 0;
    this.#endMs = this.clock.now() + lengthMs;
  }

  /** One more request is worked on. */
  count(): void {
    this.#requests++;
  }

  get isOver(): boolean {
    return this.#requests >= requestsInARow || this.clock.now() >= this.#endMs;
  }

  /** The next one has been asked for and has not begun. */
  get waits(): boolean {
    return this.#waits;
  }

  /** Calls back in the next one, when the event loop has looked at everybody else. */
  next(callback: () => void): void {
    this.#waits = true;
    setImmediate(() => {
      this.#waits = false;
      this.begin();
      callback();
    });
  }
}
