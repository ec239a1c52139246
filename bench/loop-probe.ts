/*
 * Loaded into a wardend that is measured (`--import`, by NODE_OPTIONS): how late a timer of a millisecond is, which is how long the event loop
 * was kept by one turn, and how much of that the process waited for a processor, by the kernel's account (/proc/PID/schedstat, the second
 * number). Whoever connects to the socket that LOOP_PROBE_SOCKET names gets the figures since the last time, as JSON.
 */
import { openSync, readSync } from 'node:fs';
import net from 'node:net';

export interface LoopFigures {
  /** Milliseconds of the longest turns, the longest first, and how much of each the process waited for a processor. */
  readonly longest: readonly { readonly ms: number; readonly waitedMs: number }[];
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
  const text = Buffer.alloc(64);
  const waitedMs = (): number => Number(text.toString('latin1', 0, readSync(account, text, 0, text.length, 0)).split(' ')[1]) / 1e6;

  let longest: { ms: number; waitedMs: number }[] = [];
  let turns = 0;
  let last = { at: performance.now(), waitedMs: waitedMs() };

  const tick = (): void => {
    const now = { at: performance.now(), waitedMs: waitedMs() };
    const ms = now.at - last.at - INTERVAL_MS;
    turns++;
    if (longest.length < KEPT || ms > (longest.at(-1)?.ms ?? 0)) {
      longest.push({ ms, waitedMs: Math.min(ms, now.waitedMs - last.waitedMs) });
      longest.sort((one, other) => other.ms - one.ms);
      longest.length = Math.min(longest.length, KEPT);
    }
    last = now;
    setTimeout(tick, INTERVAL_MS).unref();
  };
  setTimeout(tick, INTERVAL_MS).unref();

  net.createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.end(JSON.stringify({ longest, turns } satisfies LoopFigures));
    [longest, turns] = [[], 0];
  }).listen(path).unref();
}
