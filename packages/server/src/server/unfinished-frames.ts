/**
 * What clients may cost that begin a frame and do not finish it: a connection is closed when its unfinished frame got no byte
 * for a while, and the bytes of all that waits in the server are bounded: the connection with the most is closed.
 *
 * The connections are kept in the order of their last byte, so that a sweep looks at those that are due and one more, and one
 * timer serves all of them.
 */
import type { Log } from '../lib/log.js';
import { startTimer, type Clock } from '../lib/timer.js';

export interface UnfinishedFramesOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Milliseconds that an unfinished frame may go without a byte. */
  readonly idleMs: number;
  /** Bytes of all connections together. */
  readonly limitInBytes: number;
}

interface Connection {
  destroy(): void;
}

export class UnfinishedFrames {
  /** Bytes that wait, of connections that have any. */
  readonly #bytes = new Map<Connection, number>();
  #total = 0;
  /** When the last byte of each unfinished frame came, the longest ago first: Map keeps the order of insertion. */
  readonly #lastMs = new Map<Connection, number>();
  #cancelTimer: (() => void) | undefined;

  constructor(private readonly options: UnfinishedFramesOptions) {}

  /**
   * To be called when bytes came, and when some were used.
   * @param bytes that wait for more, or for their turn
   * @param isUnfinished whether the client has to send more, and may
   */
  update(connection: Connection, bytes: number, isUnfinished: boolean): void {
    if (this.#lastMs.delete(connection) || isUnfinished) {
      if (isUnfinished) this.#lastMs.set(connection, this.options.clock.now());
      this.#schedule();
    }
    const before = this.#bytes.get(connection) ?? 0;
    if (bytes === before) return;
    this.#total += bytes - before;
    if (bytes === 0) this.#bytes.delete(connection);
    else this.#bytes.set(connection, bytes);
    while (this.#total > this.options.limitInBytes) this.#closeLargest();
  }

  /** The connection is closed. */
  remove(connection: Connection): void {
    this.update(connection, 0, false);
  }

  #schedule(): void {
    if (this.#lastMs.size === 0) {
      this.#cancelTimer?.();
      this.#cancelTimer = undefined;
      return;
    }
    if (this.#cancelTimer !== undefined) return;
    const [oldestMs = 0] = this.#lastMs.values();
    const { clock, idleMs } = this.options;
    this.#cancelTimer = startTimer(clock, Math.max(oldestMs + idleMs - clock.now(), 0), () => this.#sweep());
  }

  #sweep(): void {
    this.#cancelTimer = undefined;
    const { clock, idleMs, log } = this.options;
    const now = clock.now();
    for (const [connection, lastMs] of this.#lastMs) {
      // A timer may fire a fraction of a millisecond early.
      if (lastMs + idleMs > now + 1) break;
      log.warn({ bytes: this.#bytes.get(connection) ?? 0 }, `closing a connection whose unfinished frame got no byte for ${idleMs / 1000} s`);
      this.remove(connection);
      connection.destroy();
    }
    this.#schedule();
  }

  #closeLargest(): void {
    let largest: Connection | undefined;
    let most = 0;
    for (const [connection, bytes] of this.#bytes) {
      if (bytes > most) [largest, most] = [connection, bytes];
    }
    if (largest === undefined) return;
    this.options.log.warn({ bytes: most, total: this.#total, limit: this.options.limitInBytes }, 'closing the connection with the most unfinished bytes: all together are over the limit');
    this.remove(largest);
    largest.destroy();
  }
}
