/* What every measurement gets, and what it hands back. */
import type { Floor } from './floor.js';
import type { Sizes } from './options.js';
import type { RootFileSystem } from './root-file-system.js';
import type { Server } from './server.js';
import type { Row } from './table.js';

export interface Surroundings {
  readonly sizes: Sizes;
  readonly server: Server;
  readonly floor: Floor;
  readonly directory: string;
  readonly rootFileSystem: RootFileSystem;
  readonly live: number;
}

export interface Result {
  readonly rows: Row[];
  /** For the JSON file. */
  readonly samples: Readonly<Record<string, readonly number[]>>;
}

/** Microseconds that a call took. */
export async function timed(call: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await call();
  return (performance.now() - begin) * 1000;
}

/** Microseconds of each of so many calls, one after the other. */
export async function timedAll(count: number, call: () => Promise<unknown>): Promise<number[]> {
  const samples: number[] = [];
  for (let index = 0; index < count; index++) samples.push(await timed(call));
  return samples;
}

/**
 * Takes turns: A B, B A, A B, … so that what changes on the machine in the course of the run, and what one leaves to the
 * kernel to do later, falls on both alike.
 */
export async function takeTurns(turns: number, first: () => Promise<void>, second: () => Promise<void>): Promise<void> {
  for (let turn = 0; turn < turns; turn++) {
    for (const side of turn % 2 === 0 ? [first, second] : [second, first]) await side();
  }
}
