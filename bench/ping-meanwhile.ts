/* How long another client, in a process of its own, waits for a ping while something else is done, and what the longest of these times are made of. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Server } from './server.js';
import { compiled } from './paths.js';
import { percentile, summarize } from './statistics.js';
import { atMost } from './table.js';
import type { Row } from './table.js';

/** Microseconds: a round trip, and how long each side waited for a processor in it. */
export interface Ping { readonly took: number; readonly waitedHere: number; readonly waitedThere: number }

export async function pingMeanwhile<T>({ socket, pid }: Server, work: () => Promise<T>, ret: Ping[]): Promise<T> {
  const probe = spawn(process.execPath, [`${compiled}/ping-probe.js`, socket, String(pid)], { stdio: ['pipe', 'pipe', 'inherit'] });
  let text = '';
  probe.stdout.on('data', (chunk: Buffer) => { text += chunk.toString(); });
  const ended = once(probe, 'close');
  try {
    return await work();
  } finally {
    probe.stdin.end();
    await ended;
    if (text !== '') ret.push(...JSON.parse(text) as Ping[]);
  }
}

/** Of the slowest hundredth: which part of them, added up, each side waited for a processor. */
export function tailOf(pings: readonly Ping[]): { readonly here: number; readonly there: number } {
  const least = percentile(pings.map(({ took }) => took).sort((one, other) => one - other), 0.99);
  const slowest = pings.filter(({ took }) => took >= least);
  const sum = (value: (ping: Ping) => number): number => slowest.reduce((total, ping) => total + value(ping), 0);
  const all = sum(({ took }) => took);
  return { here: sum(({ waitedHere }) => waitedHere) / all, there: sum(({ waitedThere }) => waitedThere) / all };
}

/** @param p99LimitMs the budget, where there is one */
export function pingRow(name: string, pings: readonly Ping[], p99LimitMs?: number): Row {
  const { median, p99, maximum, count } = summarize(pings.map(({ took }) => took));
  const { here, there } = tailOf(pings);
  const percent = (part: number): string => `${Math.round(part * 100)} %`;
  return {
    name, unit: 'µs', warden: median, p99, samples: count,
    comparison: `slowest ${(maximum / 1000).toFixed(1)} ms; of the slowest hundredth ${percent(there)} wardend waiting for a processor, ${percent(here)} the client`,
    ...(p99LimitMs === undefined ? {} : { budget: { ...atMost(p99LimitMs, 'ms', p99 / 1000), text: `p99 ≤ ${p99LimitMs} ms` } }),
  };
}
