/* One run at a time on a machine: the addresses are fixed, and two runs would measure each other. A run that was killed is told to the next, which removes what is left of it. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { isAlive, startOf } from './run-name.js';
import type { Run } from './run-name.js';

const PATH = '/run/warden-bench.json';

export interface KilledRun extends Run {
  readonly directory: string;
}

interface Recorded extends KilledRun {
  /** Runs before this one of which something is left. */
  readonly left: readonly KilledRun[];
}

export interface Lock {
  /** Runs that had it and were killed. */
  readonly killed: readonly KilledRun[];
  /** Nothing is left of them any more. Until then the next run is told of them again. */
  forgetKilled(): void;
  release(): void;
}

function read(path: string): Recorded | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Recorded;
  } catch {
    return undefined; // there is none, or its writer was killed before it had anything to leave
  }
}

/**
 * Throws when another run is alive.
 * @param directory of this run
 */
export function takeLock(directory: string, path = PATH): Lock {
  const owner = read(path);
  if (owner !== undefined && isAlive(owner)) throw new Error(`a benchmark is running already, process ${owner.pid} (${path})`);
  const killed = owner === undefined ? [] : [...owner.left, { pid: owner.pid, started: owner.started, directory: owner.directory }];
  const record = (left: readonly KilledRun[]): string => `${JSON.stringify({ pid: process.pid, started: startOf(process.pid) ?? '', directory, left } satisfies Recorded)}\n`;
  // Of those that were killed somebody knows at any moment.
  const replace = (left: readonly KilledRun[]): void => {
    writeFileSync(`${path}.new`, record(left));
    renameSync(`${path}.new`, path);
  };
  if (owner === undefined) {
    rmSync(path, { force: true });
    writeFileSync(path, record([]), { flag: 'wx' });
  } else replace(killed);
  let isClean = killed.length === 0;
  return {
    killed,
    forgetKilled: () => {
      replace([]);
      isClean = true;
    },
    release: () => { if (isClean) rmSync(path, { force: true }); },
  };
}
