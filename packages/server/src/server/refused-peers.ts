/**
 * Lines of the log about peers that were refused. Whoever may connect decides how many there are, so they are bounded: the first few
 * of a minute are written as they come, the others as one number when the minute is over.
 */
import type { Log } from '../lib/log.js';
import { startTimer, type Clock } from '../lib/timer.js';

/** Lines of one minute. */
const linesInARow = 10;

const minuteMs = 60_000;

export interface RefusedPeersOptions {
  readonly clock: Clock;
  readonly log: Log;
}

export class RefusedPeers {
  #written = 0;
  #unwritten = 0;
  #cancelTimer: (() => void) | undefined;

  constructor(private readonly options: RefusedPeersOptions) {}

  note(facts: object, message: string): void {
    this.#cancelTimer ??= startTimer(this.options.clock, minuteMs, () => this.#minuteIsOver());
    if (this.#written === linesInARow) {
      this.#unwritten++;
      return;
    }
    this.#written++;
    this.options.log.warn(facts, message);
  }

  /** Nobody is refused any more. */
  stop(): void {
    if (this.#cancelTimer !== undefined) this.#minuteIsOver();
  }

  #minuteIsOver(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.#unwritten > 0) this.options.log.warn({ refused: this.#unwritten }, 'more peers were refused than there are lines about');
    this.#written = 0;
    this.#unwritten = 0;
  }
}
