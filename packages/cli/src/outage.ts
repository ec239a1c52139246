// A server that is restarted is away for a moment: what waits for its jobs tries again.
import { setTimeout as pause } from 'node:timers/promises';
import { WardenError } from 'warden-protocol';

/** A server that is restarted is back within this; and how long to wait between two tries. */
const PATIENCE_MS = 30_000;
const PAUSE_MS = 200;

export class Outage {
  readonly #now: () => number;
  #sinceMs: number | undefined;
  #lastMs = 0;

  /** @param now the clock, monotonic, in milliseconds */
  constructor(now = (): number => performance.now()) {
    this.#now = now;
  }

  /** To be called when the server has answered. */
  end(): void {
    this.#sinceMs = undefined;
  }

  /** Waits before the next try. Rejects with the error itself when it is of another kind, or has lasted too long; with canceled when the signal is aborted. */
  async wait(reason: unknown, signal: AbortSignal): Promise<void> {
    const error = WardenError.from(reason);
    const now = this.#now();
    // A connection is made sooner or not at all: what held longer was one, to a server that had nothing to say, as of a job that writes nothing.
    if (now - this.#lastMs > PATIENCE_MS) this.end();
    this.#lastMs = now;
    this.#sinceMs ??= now;
    if (error.code !== 'unavailable' || now - this.#sinceMs > PATIENCE_MS) throw error;
    await pause(PAUSE_MS, undefined, { signal }).catch(() => {
      throw new WardenError('canceled', 'the wait for the server was given up', { cause: error });
    });
  }
}
