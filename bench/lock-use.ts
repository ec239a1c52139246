/* How much of the time a lock is held by others, from requests that need it at moments of no plan, and others that do not. */
import { median } from './statistics.js';

/** Microseconds above the usual that are not waiting yet. */
const SLACK = 20;

export interface LockUse {
  /** 0 to 1: of the requests, those that found the lock held, without those that were late for another reason. */
  readonly held: number;
  /** Microseconds that those waited, on average. */
  readonly waited: number;
}

/** Throws when there are no samples. */
export function lockUse({ free, locked }: { readonly free: readonly number[]; readonly locked: readonly number[] }): LockUse {
  const usual = [median(free), Math.min(median(locked), ...shortest(locked))] as const;
  const late = (samples: readonly number[], normal: number): number[] => samples.filter((sample) => sample > normal + SLACK);
  const [lateFree, lateLocked] = [late(free, usual[0]), late(locked, usual[1])];
  const part = lateLocked.length / locked.length;
  // Late for another reason is as likely while the lock is held.
  const other = lateFree.length / free.length;
  const held = other >= 1 ? 0 : Math.max(0, (part - other) / (1 - other));
  return { held, waited: lateLocked.length === 0 ? 0 : lateLocked.reduce((sum, sample) => sum + sample - usual[1], 0) / lateLocked.length };
}

/** A tenth of them: even of a lock that is mostly held some find it free. */
function shortest(samples: readonly number[]): number[] {
  const sorted = [...samples].sort((one, other) => one - other);
  return sorted.slice(Math.floor(sorted.length / 10), Math.floor(sorted.length / 10) + 1);
}
