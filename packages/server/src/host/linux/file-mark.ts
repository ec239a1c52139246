/**
 * Whether what stands at a path is what was found there before: of the same file system and inode, with the same time of change, which nobody can set back.
 * One system call, where working out anew what follows from a file takes many.
 */
import type { BigIntStats } from 'node:fs';

/**
 * Before Linux 6.13 the clocks of file systems go in steps of up to 10 ms: what was changed just before it was found may be changed once more in the same
 * step, and does not show it.
 */
const settledMs = 100;

/** Undefined: nothing is there. */
export type Found = BigIntStats | undefined;

/**
 * @param found what was there before anything was read from it
 * @param look finds what is there now
 * @param nowMs milliseconds since 1970 when it was found
 * @returns tells whether it is there still; false also when that is not certain. Never fails
 */
export function stillThere(found: Found, look: () => Found, nowMs = Date.now()): () => boolean {
  if (found !== undefined && Number(found.ctimeMs) + settledMs > nowMs) return () => false;
  return () => {
    let now: Found;
    try {
      now = look();
    } catch {
      return false;
    }
    return now === undefined || found === undefined ? now === found : isSame(now, found);
  };
}

export function isSame(one: BigIntStats, other: BigIntStats): boolean {
  return one.ctimeNs === other.ctimeNs && one.ino === other.ino && one.dev === other.dev;
}
