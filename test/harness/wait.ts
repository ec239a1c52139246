/* Waiting for a state with a deadline. Whoever waits names an event that makes a new look worthwhile; nothing sleeps. */
import { once } from 'node:events';
import { existsSync, watch } from 'node:fs';
import { join } from 'node:path';
import type { EventEmitter } from 'node:events';
import { PATIENCE } from './patience.js';

export function withDeadline<T>(promise: Promise<T>, milliseconds: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const allowedMs = milliseconds * PATIENCE;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${allowedMs} ms`)), allowedMs);
  });
  return Promise.race([promise, deadline]).finally(() => clearTimeout(timer));
}

/** Looks again and again at what no event tells of, a process of somebody else. @param state what is there instead, for the error */
export async function untilSeen(what: string, look: () => boolean, state: () => string, milliseconds = 30_000): Promise<void> {
  const end = Date.now() + milliseconds * PATIENCE;
  while (!look()) {
    if (Date.now() > end) throw new Error(`${what}: not within ${milliseconds * PATIENCE} ms, but: ${state()}`);
    await new Promise(setImmediate);
  }
}

/** An event that makes a new look worthwhile; armed before the look, so that nothing that happens during it is missed. */
export interface Trigger { readonly event: Promise<unknown>; disarm(): void }

/** The next event of an emitter as a trigger. */
export function nextEvent(emitter: EventEmitter, name: string, release: () => void = () => {}): Trigger {
  const abort = new AbortController();
  const event = once(emitter, name, { signal: abort.signal }).catch(() => undefined);
  return { event, disarm: () => { abort.abort(); release(); } };
}

/**
 * Looks until `look` returns no complaint, once after each event. Returns the last complaints when the deadline has
 * passed: the caller decides whether that is a failure.
 */
export async function untilClean(look: () => string[] | Promise<string[]>, arm: () => Trigger, milliseconds: number): Promise<string[]> {
  const end = Date.now() + milliseconds * PATIENCE;
  for (;;) {
    const trigger = arm();
    const complaints = await look();
    const left = end - Date.now();
    if (complaints.length === 0 || left <= 0) {
      trigger.disarm();
      return complaints;
    }
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([trigger.event, new Promise((resolve) => { timer = setTimeout(resolve, left); })]);
    clearTimeout(timer);
    trigger.disarm();
  }
}

/** Waits for a file in a directory. */
export async function fileAppears(directory: string, name: string, milliseconds = 10_000): Promise<void> {
  const watcher = watch(directory);
  try {
    const path = join(directory, name);
    const complaints = await untilClean(() => (existsSync(path) ? [] : [`${path} did not appear`]), () => nextEvent(watcher, 'change'), milliseconds);
    if (complaints.length > 0) throw new Error(complaints.join());
  } finally {
    watcher.close();
  }
}
