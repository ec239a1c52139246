/** Bounded waiting. */
import type { Clock } from './timer.js';
import { startTimer } from './timer.js';

/**
 * The outcome of `work`, or the rejection with `onTimeout()` when it takes longer than `delayMs`. The work itself goes on:
 * whoever sets a deadline also knows how to stop or ignore what is late.
 */
export async function withDeadline<Result>(clock: Clock, delayMs: number, work: Promise<Result>, onTimeout: () => Error): Promise<Result> {
  let cancel = (): void => undefined;
  const expiry = new Promise<never>((_resolve, reject) => {
    cancel = startTimer(clock, delayMs, () => reject(onTimeout()));
  });
  try {
    return await Promise.race([work, expiry]);
  } finally {
    cancel();
  }
}
