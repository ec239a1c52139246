/** Files of layers that earlier pulls have left: kept for the next try, but neither for ever nor in any amount. */
import { lstatSync, readdirSync, rmSync } from 'node:fs';

const ageLimitMs = 24 * 60 * 60 * 1000;
/** Newer ones may be those of a pull that is under way. */
const underWayMs = 10 * 60 * 1000;

/** @param keptInBytes what files that no pull is likely to work on may take together, the newest first */
export function removeLeftovers(directory: string, keptInBytes: number, nowMs: number = Date.now()): void {
  const files = readdirSync(directory).map((name) => ({ path: `${directory}/${name}`, status: lstatSync(`${directory}/${name}`, { throwIfNoEntry: false }) }))
    .filter(({ status }) => status !== undefined && nowMs - status.mtimeMs > underWayMs)
    .sort((one, other) => (other.status?.mtimeMs ?? 0) - (one.status?.mtimeMs ?? 0));
  let sum = 0;
  for (const { path, status } of files) {
    sum += status?.size ?? 0;
    if (sum > keptInBytes || nowMs - (status?.mtimeMs ?? 0) > ageLimitMs) rmSync(path, { recursive: true, force: true });
  }
}
