// AbortSignal and timeoutMs of one call, as one thing that happens at most once.
import { WardenError } from 'warden-protocol';

/** What every call takes beside its request. */
export interface CallOptions {
  /** Cancels the call: it rejects with the code canceled, and the signal's reason as cause. */
  signal?: AbortSignal | undefined;
  /** Milliseconds until the call rejects with the code timeout; from 1, unlimited when left out. */
  timeoutMs?: number | undefined;
}

/** setTimeout fires at once for anything longer; 24 days are no deadline anyway. */
export const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

export class Cancellation {
  readonly #signal: AbortSignal | undefined;
  readonly #what: string;
  readonly #timer: NodeJS.Timeout | undefined;
  #listener: ((error: WardenError) => void) | undefined;
  #error: WardenError | undefined;

  /** For a call named `what`. Throws canceled when the signal has been aborted already. */
  constructor(what: string, { signal, timeoutMs }: CallOptions) {
    this.#what = what;
    if (timeoutMs !== undefined && !(timeoutMs >= 1)) {
      throw new WardenError('invalid_argument', `timeoutMs of ${what} must be a number from 1, not ${timeoutMs}`);
    }
    this.#signal = signal;
    if (signal?.aborted === true) throw this.#canceled();
    signal?.addEventListener('abort', this.#onAbort);
    if (timeoutMs !== undefined && timeoutMs <= LONGEST_TIMEOUT_MS) {
      this.#timer = setTimeout(() => this.#fire(new WardenError('timeout', `${what} had no answer within ${timeoutMs} ms`)), timeoutMs);
    }
  }

  /** Whether it can happen in the turn of the event loop in which the call is made. */
  get hasSignal(): boolean {
    return this.#signal !== undefined;
  }

  /** Throws what the call is canceled with, if it is. */
  throwIfCanceled(): void {
    if (this.#error !== undefined) throw this.#error;
  }

  /** Calls the listener when the call is canceled, at once when that has happened; it replaces the one before. */
  listen(listener: (error: WardenError) => void): void {
    this.#listener = listener;
    if (this.#error !== undefined) listener(this.#error);
  }

  /** To be called when the call has ended, whichever way. */
  release(): void {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    clearTimeout(this.#timer);
    this.#listener = undefined;
  }

  readonly #onAbort = (): void => this.#fire(this.#canceled());

  #canceled(): WardenError {
    return new WardenError('canceled', `${this.#what} was canceled`, { cause: this.#signal?.reason });
  }

  #fire(error: WardenError): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    clearTimeout(this.#timer);
    this.#listener?.(error);
  }
}

/** The promise, or a rejection when the call is canceled before it settles; the promise itself goes on. */
export function unlessCanceled<T>(promise: Promise<T>, cancellation: Cancellation | undefined): Promise<T> {
  // Without a cancellation too, so that calls with and without one wait equally long and keep their order.
  return new Promise((resolve, reject) => {
    cancellation?.listen(reject);
    promise.then(resolve, reject);
  });
}
