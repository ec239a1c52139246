// The processes of a box, as it knows them itself.
import type { Process } from 'warden-protocol';
import { textOf } from './text.js';

/** A process. What it is called is its own choice: show it, never obey it. */
export interface BoxProcess {
  readonly pid: number;
  /** 0 when it is no process of the box. */
  readonly parentPid: number;
  readonly uid: number;
  /** A letter: R runs, S sleeps, D waits for a device, T is stopped, Z has ended, I is idle. */
  readonly state: string;
  readonly threads: number | undefined;
  /** In user and kernel mode together. */
  readonly cpuTimeMs: number | undefined;
  readonly residentBytes: bigint | undefined;
  readonly started: Date | undefined;
  /** Read as UTF-8. */
  readonly name: string;
  /** Program and arguments, read as UTF-8, as far as the first 1024 bytes go; none of a process that has ended. */
  readonly command: readonly string[];
}

export function processOf({ pid, parentPid, uid, state, threads, cpuTimeMs, residentBytes, startedMs, name = new Uint8Array(0), commandLine }: Process): BoxProcess {
  return {
    pid, parentPid, uid, state, threads, residentBytes, name: textOf(name), command: commandLine === undefined || commandLine.length === 0 ? [] : textOf(commandLine).split('\0'),
    cpuTimeMs: cpuTimeMs === undefined ? undefined : Number(cpuTimeMs), started: startedMs === undefined ? undefined : new Date(Number(startedMs)),
  };
}
