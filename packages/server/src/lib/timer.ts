/**
 * Timers of any length. Node's setTimeout fires after 1 ms when the delay is above 2^31 - 1 ms, and grace times are
 * uint32 seconds, so long delays are made of several short ones. Time is monotonic.
 */

/** Time and timers, so that tests bring their own. */
export interface Clock {
  /** Monotonic milliseconds since the machine's boot: what one server notes another can read. */
  now(): number;
  /** Calls `callback` once after `delayMs`, which is at most maximumDelayMs; returns the way to cancel. */
  schedule(delayMs: number, callback: () => void): () => void;
}

/** The longest delay that setTimeout keeps. */
export const maximumDelayMs = 2 ** 31 - 1;

/** performance.now() counts from the start of the process, by the same clock. */
const processStartMs = Number(process.hrtime.bigint()) / 1e6 - performance.now();

export const systemClock: Clock = {
  now: () => processStartMs + performance.now(),
  schedule(delayMs, callback) {
    const timeout = setTimeout(callback, delayMs);
    return () => clearTimeout(timeout);
  },
};

/** Calls `callback` once after `delayMs`, however long. Returns the way to cancel, which may be called at any time. */
export function startTimer(clock: Clock, delayMs: number, callback: () => void): () => void {
  const due = clock.now() + delayMs;
  let cancelCurrent: () => void;
  const arm = (remainingMs: number): void => {
    const part = Math.min(Math.max(remainingMs, 0), maximumDelayMs);
    cancelCurrent = clock.schedule(part, () => {
      const left = due - clock.now();
      // setTimeout may fire a fraction of a millisecond early; that is on time.
      if (left < 1) callback();
      else arm(left);
    });
  };
  arm(delayMs);
  return () => cancelCurrent();
}
