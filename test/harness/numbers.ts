/*
 * Output that never repeats, and that the reader can make as well: what `seq FROM TO` prints. A byte that is lost, doubled
 * or in another place changes everything that comes after it.
 */
import { createHash } from 'node:crypto';
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Bytes of `seq 1 last`. */
export function lengthOfNumbers(last: number): number {
  let bytes = 0;
  for (let digits = 1, first = 1; first <= last; digits++, first *= 10) bytes += (Math.min(last, first * 10 - 1) - first + 1) * (digits + 1);
  return bytes;
}

/** The least `last` for which `seq 1 last` prints at least so many bytes. */
export function lastNumberFor(bytes: number): number {
  let [low, high] = [0, bytes];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (lengthOfNumbers(middle) < bytes) low = middle;
    else high = middle;
  }
  return high;
}

/** sha256 of what `seq 1 last` prints, or of its first bytes, from this machine's own seq. */
export async function hashOfNumbers(last: number, bytes = lengthOfNumbers(last)): Promise<string> {
  const hash = createHash('sha256');
  const child = spawn('seq', ['1', String(last)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let left = bytes;
  child.stdout.on('data', (chunk: Buffer) => {
    hash.update(chunk.subarray(0, left));
    left -= Math.min(left, chunk.length);
    if (left === 0) child.kill();
  });
  await once(child, 'close');
  return hash.digest('hex');
}
