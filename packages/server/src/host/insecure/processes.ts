/**
 * The processes of a container that has no proc file system of its own: those below its monitor, by the numbers of the machine. What a process calls
 * itself is bytes of its own choice.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import type { ProcessEntry, Transfer, TransferSink } from '../transfer.js';

/** USER_HZ is 100 on every architecture that Node runs on. */
const msPerTick = 10n;
const commandLineLimit = 1024;

/** A line of proc_pid_stat(5): the name, which may hold anything, ends with the last parenthesis. Undefined: it is none. */
export function parseStat(line: Buffer): { readonly name: Buffer; readonly state: string; readonly parentPid: number; readonly threads: number; readonly cpuTicks: bigint; readonly startTicks: bigint } | undefined {
  const [open, close] = [line.indexOf('('), line.lastIndexOf(')')];
  const fields = close < 0 ? [] : line.subarray(close + 2).toString('latin1').trim().split(' ');
  const [state, parent] = fields;
  const [user, system, threads, start] = [fields[11], fields[12], fields[17], fields[19]];
  if (open < 0 || state === undefined || user === undefined || system === undefined || start === undefined) return undefined;
  return { name: line.subarray(open + 1, close), state, parentPid: Number(parent), threads: Number(threads), cpuTicks: BigInt(user) + BigInt(system), startTicks: BigInt(start) };
}

/** In the order of their numbers. A process that ends meanwhile is left out. */
export function processesBelow(monitorPid: number, read: (path: string) => Buffer = readFileSync, pids: readonly number[] = allPids()): ProcessEntry[] {
  const all = new Map(pids.flatMap((pid) => {
    const stat = parseStat(unlessEnded(() => read(`/proc/${pid}/stat`)));
    return stat === undefined ? [] : [[pid, stat] as const];
  }));
  const below = new Set<number>();
  // A parent need not have the smaller number.
  for (let before = -1; before < below.size; ) {
    before = below.size;
    for (const [pid, { parentPid }] of all) if (parentPid === monitorPid || below.has(parentPid)) below.add(pid);
  }
  const bootMs = BigInt(Math.round(Date.now() - uptime() * 1000));
  return [...below].sort((one, other) => one - other).flatMap((pid): ProcessEntry[] => {
    const stat = all.get(pid);
    const status = unlessEnded(() => read(`/proc/${pid}/status`)).toString('latin1');
    const uid = /^Uid:\s+(\d+)/m.exec(status)?.[1];
    if (stat === undefined || uid === undefined) return [];
    const commandLine = unlessEnded(() => read(`/proc/${pid}/cmdline`)).subarray(0, commandLineLimit);
    return [{
      pid,
      parentPid: below.has(stat.parentPid) ? stat.parentPid : 0,
      uid: Number(uid),
      state: stat.state,
      threads: stat.threads,
      cpuTimeMs: stat.cpuTicks * msPerTick,
      residentBytes: BigInt(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024n,
      startedMs: bootMs + stat.startTicks * msPerTick,
      name: stat.name,
      commandLine: commandLine.length === 0 ? undefined : commandLine.at(-1) === 0 ? commandLine.subarray(0, -1) : commandLine,
    }];
  });
}

/** The answer to a transfer that asks for them, which is there at once. */
export function listProcesses(pidFile: string, limit: bigint | undefined, sink: TransferSink): Transfer {
  const pid = Number.parseInt(unlessEnded(() => readFileSync(pidFile)).toString('latin1'), 10);
  // Without its monitor a container has none.
  const found = Number.isInteger(pid) ? processesBelow(pid) : [];
  const told = limit === undefined ? found : found.slice(0, Number(limit));
  sink.processes?.(told);
  const ended = Promise.resolve({ length: BigInt(told.length), entries: undefined, more: told.length < found.length, notes: [] });
  return { opened: Promise.resolve(), ended, write: async () => undefined, finish: () => undefined, resume: () => undefined, giveUp: () => undefined };
}

function allPids(): number[] {
  return readdirSync('/proc').filter((name) => /^[1-9]\d*$/.test(name)).map(Number);
}

function unlessEnded(read: () => Buffer): Buffer {
  try {
    return read();
  } catch {
    return Buffer.alloc(0);
  }
}
