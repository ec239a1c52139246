/* The event loop of a wardend that was started with loop-probe.ts in it. */
import net from 'node:net';
import { text } from 'node:stream/consumers';
import type { LoopFigures } from './loop-probe.js';
import { worstOf } from './loop-turn.js';
import { compiled } from './paths.js';
import { atMost, rowOf } from './table.js';
import type { Row } from './table.js';

const BUDGET_MS = 10;
const GOAL_MS = 5;

export function withLoopProbe(socket: string): NodeJS.ProcessEnv {
  return { NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --import=${compiled}/loop-probe.js`, LOOP_PROBE_SOCKET: socket };
}

/** Since the last time this was called. */
export async function takeLoopFigures(socket: string): Promise<LoopFigures> {
  return JSON.parse(await text(net.connect(socket))) as LoopFigures;
}

/** The longest turn, counted without what the process waited for a processor, which is the machine's doing, and without turns in which the machine's host took one away, which are told beside it. */
export function loopRow(name: string, { longest, latestMs }: LoopFigures, bounded = false): Row {
  const { blocked, stolen, stolenTurns } = worstOf(longest);
  const host = stolenTurns === 0 ? '' : `; ${stolen.toFixed(1)} ms in turns in which the machine's host took a processor away`;
  return rowOf(name, 'ms', blocked, {
    comparison: `${latestMs.toFixed(1)} ms with the waiting for a processor${host}`,
    ...(bounded ? { budget: atMost(BUDGET_MS, 'ms', blocked), goal: atMost(GOAL_MS, 'ms', blocked) } : {}),
  });
}
