/* Containers made in advance, as the depot shows them. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configurationText } from './configuration.js';
import type { Overrides } from './configuration.js';
import type { ServerFixture } from './fixture.js';
import { nextEvent, untilClean } from './wait.js';

/** What the last whole snapshot in a file says; undefined: there is none. */
function lastSnapshot(path: string): { readonly id: string; readonly handle: string; readonly waiting?: { readonly recipe: string } } | undefined {
  try {
    const lines = readFileSync(path, 'utf8').split('\n');
    return JSON.parse(lines.at(-3) ?? '') as ReturnType<typeof lastSnapshot>;
  } catch {
    // It is being made, or removed.
    return undefined;
  }
}

/** Ids of those that a client could be given, in order. */
export function waitingIds({ paths }: ServerFixture): string[] {
  const directory = join(paths.depot, 'containers');
  return readdirSync(directory).filter((id) => {
    const recipe = lastSnapshot(join(directory, id, 'snapshot.json'))?.waiting?.recipe;
    return recipe !== undefined && recipe !== '';
  }).sort();
}

/** Waits until `count` of them wait, and the daemon knows it. The log has a line for each that comes or goes. */
export async function untilWaiting(server: ServerFixture, count: number, besides: readonly string[] = []): Promise<string[]> {
  const watcher = watch(server.paths.log);
  const complaints = (): string[] => {
    const ids = waitingIds(server);
    const told = ids.filter((id) => server.daemon.log.includes(`"container":"${id}"`));
    return told.length === count && !ids.some((id) => besides.includes(id)) ? [] : [`${ids.join()} of ${count} containers wait`];
  };
  try {
    assert.deepEqual(await untilClean(complaints, () => nextEvent(watcher, 'change'), 20_000), []);
  } finally {
    watcher.close();
  }
  return waitingIds(server);
}

/** Another configuration, by a reload. */
export async function reconfigure(server: ServerFixture, overrides: Overrides): Promise<void> {
  const from = server.daemon.log.length;
  writeFileSync(server.paths.configuration, configurationText(server.slot, overrides));
  server.daemon.child.kill('SIGHUP');
  await server.daemon.logged('the configuration was read anew', { from });
}
