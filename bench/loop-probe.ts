/*
 * Loaded into a wardend that is measured (`--import`, by NODE_OPTIONS): how late a timer of a millisecond is, which is how long the event loop
 * was kept by one turn; and what of that is not the loop's doing (loop-turn.ts): what the process waited for a processor, by the kernel's account
 * (/proc/PID/task/TID/schedstat, the second number), what the loop waited for events, and whether the machine's host took a processor away. Whoever connects to the
 * socket that LOOP_PROBE_SOCKET names gets the figures since the last time, as JSON.
 */
import { openSync, readSync } from 'node:fs';
import net from 'node:net';
import { blockedMs } from './loop-turn.js';
import type { LoopTurn } from './loop-turn.js';

export interface LoopFigures {
  /** Those that were blocked longest, the longest first; as many of each kind: those in which the host took a processor, and the others. */
  readonly longest: readonly LoopTurn[];
  /** How late one of these others was at most, the waiting for a processor included. */
  readonly latestMs: number;
  readonly turns: number;
}

const INTERVAL_MS = 1;
const KEPT = 50;

const path = process.env['LOOP_PROBE_SOCKET'];
// Programs of wardend's own are not measured.
delete process.env['NODE_OPTIONS'];
delete process.env['LOOP_PROBE_SOCKET'];

if (path !== undefined) {
  const account = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
  const processors = openSync('/proc/stat', 'r');
  const text = Buffer.alloc(256);
  /** Numbers of a file's first line; only that is asked for. */
  const field = (file: number, index: number): number => Number(text.toString('latin1', 0, readSync(file, text, 0, text.length, 0)).split('\n', 1)[0]?.split(/ +/)[index]);
  const look = (): { at: number; waitedMs: number; activeMs: number; stolen: number } => ({
    at: performance.now(), waitedMs: field(account, 1) / 1e6, activeMs: performance.eventLoopUtilization().active, stolen: field(processors, 8),
  });

  let longest: { stolen: LoopTurn[]; own: LoopTurn[] } = { stolen: [], own: [] };
  let [latestMs, turns] = [0, 0];
  let last = look();

  const tick = (): void => {
    const now = look();
    const ms = now.at - last.at - INTERVAL_MS;
    const turn = { ms, waitedMs: Math.min(ms, now.waitedMs - last.waitedMs), activeMs: now.activeMs - last.activeMs, isStolen: now.stolen > last.stolen };
    const kept = turn.isStolen ? longest.stolen : longest.own;
    turns++;
    if (!turn.isStolen) latestMs = Math.max(latestMs, ms);
    if (kept.length < KEPT || blockedMs(turn) > blockedMs(kept.at(-1) ?? turn)) {
      kept.push(turn);
      kept.sort((one, other) => blockedMs(other) - blockedMs(one));
      kept.length = Math.min(kept.length, KEPT);
    }
    last = now;
    setTimeout(tick, INTERVAL_MS).unref();
  };
  setTimeout(tick, INTERVAL_MS).unref();

  net.createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.end(JSON.stringify({ longest: [...longest.own, ...longest.stolen], latestMs, turns } satisfies LoopFigures));
    [longest, latestMs, turns] = [{ stolen: [], own: [] }, 0, 0];
  }).listen(path).unref();
}
